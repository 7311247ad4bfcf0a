/** The app's settings page in HubSpot: what is connected, what is synced, and the way to our own pages. */
import { Button, ErrorState, Flex, LoadingSpinner, Text, useExtensionContext } from '@hubspot/ui-extensions';

import { Connection } from './components/Connection';
import { Signin } from './components/Signin';
import { Streams } from './components/Streams';
import { useAccount } from './hooks/useAccount';
import type { AccountAnswer } from './types/card';
import { baseUrl, type Fault } from './utils/api';
import type { Clock } from './utils/times';
import { faultNotice, LABELS, reference } from './utils/words';

/** Where signing in helps. */
const WITH_SIGNIN: Partial<Record<AccountAnswer['state'], 'dashboard' | 'onboarding'>> = {
  connected: 'dashboard',
  paused: 'dashboard',
  not_connected: 'onboarding',
  reconnect_needed: 'onboarding',
};

export const Settings = () => {
  const { portal, user, variables } = useExtensionContext<'settings'>();
  const base = baseUrl(variables);
  const { view, check } = useAccount(base);
  switch (view.kind) {
    case 'loading':
      return <LoadingSpinner label={LABELS.loading} showLabel layout="centered" />;
    case 'failed':
      return <Failure fault={view.fault} again={check} />;
    case 'ready': {
      const { answer } = view;
      const clock: Clock = { now: answer.now, timeZone: answer.timeZone ?? portal.timezone, locale: user.locale };
      const page = WITH_SIGNIN[answer.state];
      return (
        <Flex direction="column" gap="large">
          <Connection answer={answer} clock={clock} looking={view.looking} check={check} />
          {answer.streams.length > 0 ? <Streams answer={answer} clock={clock} /> : null}
          {page ? <Signin base={base} page={page} clock={clock} /> : null}
        </Flex>
      );
    }
  }
};

const Failure = ({ fault, again }: { fault: Fault; again: () => void }) => {
  const { title, lines } = faultNotice(fault.code);
  return (
    <ErrorState title={title} type="error">
      <Flex direction="column" gap="small">
        {lines.map((line) => (
          <Text key={line}>{line}</Text>
        ))}
        <Text variant="microcopy">{reference(fault.code)}</Text>
        <Flex>
          <Button variant="primary" onClick={again}>
            {LABELS.again}
          </Button>
        </Flex>
      </Flex>
    </ErrorState>
  );
};
