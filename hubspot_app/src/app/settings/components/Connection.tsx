import { Alert, Flex, Heading, LoadingButton, StatusTag, Text } from '@hubspot/ui-extensions';

import type { AccountAnswer } from '../types/card';
import { exact, type Clock } from '../utils/times';
import { LABELS, reference, stateNotice, STATES, waitingWords } from '../utils/words';

interface Props {
  answer: AccountAnswer;
  clock: Clock;
  looking: boolean;
  check: () => void;
}

/** Is it working, and what needs me? */
export const Connection = ({ answer, clock, looking, check }: Props) => {
  const state = STATES[answer.state];
  const notice = stateNotice(answer);
  const waiting = waitingWords(answer.reviews, answer.issues);
  const account = [answer.cliniko?.name, answer.cliniko?.address].filter(Boolean).join(', ');
  return (
    <Flex direction="column" gap="small">
      <Heading>{LABELS.connection}</Heading>
      <StatusTag variant={state.tag}>{state.words}</StatusTag>
      {account ? <Text>{`Cliniko account: ${account}`}</Text> : null}
      {answer.cliniko?.connectedAt ? (
        <Text variant="microcopy">{`Since ${exact(answer.cliniko.connectedAt, clock)}`}</Text>
      ) : null}
      {notice ? (
        <Alert title={notice.title} variant={notice.variant}>
          <Flex direction="column" gap="extra-small">
            {notice.lines.map((line) => (
              <Text key={line}>{line}</Text>
            ))}
            {answer.code ? <Text variant="microcopy">{reference(answer.code)}</Text> : null}
          </Flex>
        </Alert>
      ) : null}
      {waiting ? <Text>{waiting}</Text> : null}
      <Flex>
        <LoadingButton variant="secondary" loading={looking} onClick={check}>
          {LABELS.check}
        </LoadingButton>
      </Flex>
    </Flex>
  );
};
