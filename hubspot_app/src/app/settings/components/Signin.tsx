import { Alert, Button, Flex, Heading, LoadingButton, Text } from '@hubspot/ui-extensions';

import { useSignin } from '../hooks/useSignin';
import { exact, type Clock } from '../utils/times';
import { LABELS, LINK_FAILED, linkWords, REFUSED, SIGNIN } from '../utils/words';

interface Props {
  base: string | null;
  page: 'dashboard' | 'onboarding';
  clock: Clock;
}

/** The way to our own pages: first a link is made, then a person opens it. */
export const Signin = ({ base, page, clock }: Props) => {
  const { link, ask, used } = useSignin(base);
  const words = SIGNIN[page];
  return (
    <Flex direction="column" gap="small">
      <Heading>{words.title}</Heading>
      <Text>{words.text}</Text>
      {link.kind === 'refused' ? (
        <Alert title={link.answer.message ?? REFUSED} variant="warning">
          {link.answer.remedy}
        </Alert>
      ) : null}
      {link.kind === 'failed' ? <Alert title={LINK_FAILED} variant="danger" /> : null}
      <Flex>
        {link.kind === 'ready' ? (
          <Button variant="primary" href={{ url: link.url, external: true }} onClick={used}>
            {words.open}
          </Button>
        ) : (
          <LoadingButton variant="primary" loading={link.kind === 'asking'} onClick={() => void ask(page)}>
            {LABELS.getLink}
          </LoadingButton>
        )}
      </Flex>
      {link.kind === 'ready' ? <Text variant="microcopy">{linkWords(exact(link.expiresAt, clock))}</Text> : null}
    </Flex>
  );
};
