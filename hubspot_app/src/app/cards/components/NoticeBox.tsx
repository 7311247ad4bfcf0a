import { Alert, Flex, Text } from '@hubspot/ui-extensions';

import type { Notice } from '../utils/words';

/** What happened in bold, then what it means and what to do. */
export const NoticeBox = ({ notice, detail }: { notice: Notice; detail?: string }) => (
  <Alert title={notice.title} variant={notice.variant}>
    <Flex direction="column" gap="extra-small">
      {notice.lines.map((line) => (
        <Text key={line}>{line}</Text>
      ))}
      {detail ? <Text variant="microcopy">{detail}</Text> : null}
    </Flex>
  </Alert>
);
