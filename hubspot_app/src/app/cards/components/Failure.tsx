import { Button, ErrorState, Flex, Text } from '@hubspot/ui-extensions';

import type { Fault } from '../utils/api';
import { faultNotice, LABELS, reference } from '../utils/words';

/** The service could not be asked, or its answer not be understood. */
export const Failure = ({ fault, again }: { fault: Fault; again: () => void }) => {
  const { title, lines } = faultNotice(fault.code, fault.maybeDone);
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
