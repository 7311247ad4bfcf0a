import { Flex, LoadingSpinner, Text } from '@hubspot/ui-extensions';

import type { Preview } from '../utils/preview';
import { notOnContact, PREVIEW_LOADING, PREVIEW_UNKNOWN, pushFrom, PUSH_LOOKS_FIRST, pushNeeds } from '../utils/words';

/** What pressing Push would do, before it is pressed. */
export const PushPreview = ({ plan, loading }: { plan: Preview | null; loading: boolean }) => {
  if (loading) {
    return <LoadingSpinner label={PREVIEW_LOADING} showLabel />;
  }
  if (plan === null) {
    return <Text>{PREVIEW_UNKNOWN}</Text>;
  }
  if (plan.missing.length > 0) {
    return <Text>{pushNeeds(plan.missing)}</Text>;
  }
  return (
    <Flex direction="column" gap="extra-small">
      <Text>{pushFrom(plan.parts)}</Text>
      <Text>{PUSH_LOOKS_FIRST}</Text>
      {plan.absent.length > 0 ? <Text variant="microcopy">{notOnContact(plan.absent)}</Text> : null}
    </Flex>
  );
};
