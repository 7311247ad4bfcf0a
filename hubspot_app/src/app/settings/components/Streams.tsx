import {
  Flex,
  Heading,
  StatusTag,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableHeader,
  TableRow,
  Text,
} from '@hubspot/ui-extensions';

import type { AccountAnswer, Stream } from '../types/card';
import { since, type Clock } from '../utils/times';
import { COLUMNS, every, LABELS, NEVER, OFF, STREAM_STATUS, streamRecords, STREAMS } from '../utils/words';

/** Which kinds of record flow from Cliniko, and when each last did. */
export const Streams = ({ answer, clock }: { answer: AccountAnswer; clock: Clock }) => (
  <Flex direction="column" gap="small">
    <Heading>{LABELS.streams}</Heading>
    {answer.intervalMinutes === null ? null : <Text>{every(answer.intervalMinutes)}</Text>}
    <Table bordered density="condensed">
      <TableHead>
        <TableRow>
          {COLUMNS.map((column) => (
            <TableHeader key={column}>{column}</TableHeader>
          ))}
        </TableRow>
      </TableHead>
      <TableBody>
        {answer.streams.map((stream) => (
          <TableRow key={stream.name}>
            <TableCell>{STREAMS[stream.name]}</TableCell>
            <TableCell>
              <State stream={stream} />
            </TableCell>
            <TableCell>{streamRecords(stream)}</TableCell>
            <TableCell>{stream.lastRunAt === null ? NEVER : since(stream.lastRunAt, clock)}</TableCell>
          </TableRow>
        ))}
      </TableBody>
    </Table>
  </Flex>
);

const State = ({ stream }: { stream: Stream }) => {
  const status = STREAM_STATUS[stream.status];
  if (!stream.on) {
    return (
      <StatusTag variant="default" hollow>
        {OFF}
      </StatusTag>
    );
  }
  return (
    <Flex direction="column" gap="extra-small">
      <StatusTag variant={status.tag}>{status.words}</StatusTag>
      {[stream.message, stream.remedy].filter(Boolean).map((line) => (
        <Text key={line} variant="microcopy">
          {line}
        </Text>
      ))}
    </Flex>
  );
};
