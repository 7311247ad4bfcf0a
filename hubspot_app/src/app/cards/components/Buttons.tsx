import { Button, Flex, LoadingButton, Text } from '@hubspot/ui-extensions';

import type { Action, CardAnswer, CardState } from '../types/card';
import type { Options, Ready } from '../utils/session';
import { LABELS } from '../utils/words';
import { UnlinkButton } from './UnlinkButton';

interface Props {
  view: Ready;
  name: string | null;
  /** What a patient needs is missing on the contact, or not known yet. */
  incomplete: boolean;
  act: (action: Action, options?: Options) => void;
  check: () => void;
}

type Choice = Action | 'review' | 'check';

/** At most one button stands out: what a person most likely wants to do next. */
const PRIMARY: Partial<Record<CardState, Choice>> = {
  linked: 'sync',
  not_linked: 'push',
  shared_email: 'review',
  review: 'review',
  error: 'check',
};
const WITH_ACTIONS: readonly CardState[] = [
  'linked',
  'not_linked',
  'shared_email',
  'review',
  'working',
  'rate_limited',
];

export const Buttons = ({ view, name, incomplete, act, check }: Props) => {
  const { answer, sending, looking, slow } = view;
  const underWay = answer.state === 'working' || answer.state === 'rate_limited';
  const primary = slow ? 'check' : PRIMARY[answer.state];
  const style = (choice: Choice) => (choice === primary ? 'primary' : 'secondary');
  const again = (
    <LoadingButton size="sm" variant={style('check')} loading={looking} onClick={check}>
      {answer.state === 'error' ? LABELS.again : LABELS.check}
    </LoadingButton>
  );
  if (!WITH_ACTIONS.includes(answer.state)) {
    return <Flex>{again}</Flex>;
  }

  const linked = answer.patient !== null || answer.clinikoContact !== null;
  const busy = sending ?? (underWay && !slow ? (answer.work?.action ?? null) : null);
  const off = (action: Action) => underWay || sending !== null || looking || !answer.actions[action].allowed;
  const review =
    answer.review && !underWay ? (
      <Button size="sm" variant={style('review')} href={{ url: answer.review.url, external: true }}>
        {LABELS.review}
      </Button>
    ) : null;
  const sync = (
    <LoadingButton
      size="sm"
      variant={style('sync')}
      loading={busy === 'sync'}
      disabled={off('sync')}
      onClick={() => act('sync')}
    >
      {linked ? LABELS.sync : LABELS.search}
    </LoadingButton>
  );
  const push = (
    <LoadingButton
      size="sm"
      variant={style('push')}
      loading={busy === 'push'}
      disabled={off('push') || incomplete}
      onClick={() => act('push', { target: answer.patient === null && linked ? 'contact' : 'patient' })}
    >
      {LABELS.push}
    </LoadingButton>
  );
  return (
    <Flex direction="column" gap="extra-small">
      <Flex gap="small" wrap="wrap">
        {slow ? again : null}
        {primary === 'review' ? review : null}
        {linked ? sync : push}
        {linked ? push : sync}
        {answer.patient ? (
          <UnlinkButton
            patient={answer.patient}
            name={name}
            busy={busy === 'unlink'}
            disabled={off('unlink')}
            onConfirm={(options) => act('unlink', options)}
          />
        ) : null}
        {primary === 'review' ? null : review}
      </Flex>
      {underWay || sending !== null ? null : <Reasons answer={answer} />}
    </Flex>
  );
};

/** A disabled button says why in words beside it: a hint on a disabled control is not read out. */
const Reasons = ({ answer }: { answer: CardAnswer }) => {
  const shown: Action[] = answer.patient ? ['sync', 'push', 'unlink'] : ['sync', 'push'];
  const reasons = shown.map((action) => answer.actions[action]).filter((it) => !it.allowed && it.reason !== null);
  return (
    <>
      {[...new Set(reasons.map((it) => it.reason))].map((reason) => (
        <Text key={reason} variant="microcopy">
          {reason}
        </Text>
      ))}
    </>
  );
};
