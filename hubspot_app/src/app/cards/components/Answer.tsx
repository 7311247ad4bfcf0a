import { Flex } from '@hubspot/ui-extensions';

import { useNow } from '../hooks/useNow';
import type { Action } from '../types/card';
import { fullName, preview, type Properties } from '../utils/preview';
import type { Options, Ready } from '../utils/session';
import type { Clock } from '../utils/times';
import { Buttons } from './Buttons';
import { Head } from './Head';
import { LinkDetails } from './LinkDetails';
import { PushPreview } from './PushPreview';

export interface Person {
  /** The contact's own properties, from HubSpot; null when HubSpot did not give them. */
  properties: Properties | null;
  births: Properties;
  /** HubSpot has not answered yet. */
  loading: boolean;
}

interface Props {
  view: Ready;
  person: Person;
  portalZone: string;
  locale: string | undefined;
  act: (action: Action, options?: Options) => void;
  check: () => void;
}

/** Where pressing Push can still create a patient, so that it is shown what would be sent. */
const UNLINKED: readonly string[] = ['not_linked', 'shared_email', 'review'];

export const Answer = ({ view, person, portalZone, locale, act, check }: Props) => {
  const { answer } = view;
  const clock: Clock = { now: useNow(answer.now), timeZone: answer.timeZone ?? portalZone, locale };
  const linked = answer.patient !== null || answer.clinikoContact !== null;
  const plan = person.properties === null ? null : preview(person.properties, person.births);
  const previewed = UNLINKED.includes(answer.state) && !linked;
  return (
    <Flex direction="column" gap="small">
      <Head view={view} clock={clock} />
      {linked ? <LinkDetails answer={answer} clock={clock} /> : null}
      {previewed ? <PushPreview plan={plan} loading={person.loading} /> : null}
      <Buttons
        view={view}
        name={person.properties === null ? null : fullName(person.properties)}
        incomplete={previewed && (person.loading || (plan !== null && plan.missing.length > 0))}
        act={act}
        check={check}
      />
    </Flex>
  );
};
