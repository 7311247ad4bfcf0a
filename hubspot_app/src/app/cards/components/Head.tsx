import { EmptyState, Flex, LoadingSpinner, StatusTag, Text } from '@hubspot/ui-extensions';

import type { CardAnswer } from '../types/card';
import type { Ready } from '../utils/session';
import { ago, type Clock } from '../utils/times';
import {
  DOING,
  FAILED,
  NEEDS_A_PERSON,
  NOT_LINKED,
  reference,
  reviewNotice,
  SHARED_LINKED,
  sharedNotice,
  simpleNotice,
  SLOW,
  startedWords,
  UNLINKED_BEFORE,
  waitNotice,
  type Notice,
} from '../utils/words';
import { NoticeBox } from './NoticeBox';

/** The first thing on the card: is it working, and what needs me? */
export const Head = ({ view, clock }: { view: Ready; clock: Clock }) => {
  const { answer } = view;
  if (view.sending !== null) {
    return <LoadingSpinner label={`${DOING[view.sending]} …`} showLabel />;
  }
  switch (answer.state) {
    case 'working':
      return view.slow ? <NoticeBox notice={SLOW} /> : <Working answer={answer} clock={clock} />;
    case 'rate_limited':
      return answer.wait ? <NoticeBox notice={waitNotice(answer.wait)} /> : null;
    case 'linked':
      return <Linked answer={answer} />;
    case 'not_linked':
      return <NotLinked answer={answer} />;
    case 'shared_email':
      return <NoticeBox notice={sharedNotice(answer.shared?.patients ?? null)} />;
    case 'review':
      return answer.review ? <NoticeBox notice={reviewNotice(answer.review)} /> : null;
    default:
      return <Simple answer={answer} />;
  }
};

const Simple = ({ answer }: { answer: CardAnswer }) => {
  const notice = simpleNotice(answer);
  if (notice === null) {
    return null;
  }
  if (answer.state === 'not_connected' || answer.state === 'not_allowed') {
    return (
      <EmptyState
        title={notice.title}
        layout="vertical"
        imageName={answer.state === 'not_allowed' ? 'lock' : 'integrations'}
        imageWidth={100}
        flush
      >
        <Lines lines={notice.lines} />
      </EmptyState>
    );
  }
  return <NoticeBox notice={notice} detail={answer.code ? reference(answer.code) : undefined} />;
};

const Working = ({ answer, clock }: { answer: CardAnswer; clock: Clock }) =>
  answer.work ? (
    <Flex direction="column" gap="extra-small">
      <LoadingSpinner label={`${DOING[answer.work.action]} …`} showLabel />
      <Text variant="microcopy">{startedWords(ago(answer.work.startedAt, clock))}</Text>
    </Flex>
  ) : null;

const Linked = ({ answer }: { answer: CardAnswer }) => (
  <Flex direction="column" gap="small">
    <StatusTag variant="success">
      {answer.patient ? 'Linked to a Cliniko patient' : 'Linked to a contact in Cliniko'}
    </StatusTag>
    <LastFailure answer={answer} />
    {answer.shared ? <Text>{SHARED_LINKED}</Text> : null}
    {answer.review ? <NoticeBox notice={reviewNotice(answer.review)} /> : null}
  </Flex>
);

const NotLinked = ({ answer }: { answer: CardAnswer }) => (
  <Flex direction="column" gap="small">
    <StatusTag variant="default" hollow>
      {NOT_LINKED}
    </StatusTag>
    {answer.message ? <Text>{answer.message}</Text> : null}
    {answer.sync?.status === 'Unlinked' ? <Text>{UNLINKED_BEFORE}</Text> : null}
    <LastFailure answer={answer} />
  </Flex>
);

/** The newest request failed, or the last sync left something to do: said once, in the words of the newer one. */
const LastFailure = ({ answer }: { answer: CardAnswer }) => {
  const notice = failure(answer);
  return notice === null ? null : <NoticeBox notice={notice} />;
};

const failure = (answer: CardAnswer): Notice | null => {
  const { work, sync } = answer;
  if (work?.status === 'failed') {
    return { variant: 'danger', title: FAILED[work.action], lines: texts(work.message, work.remedy) };
  }
  if (sync && NEEDS_A_PERSON.includes(sync.status)) {
    return { variant: 'warning', title: sync.status, lines: texts(sync.message) };
  }
  return null;
};

const texts = (...found: (string | null)[]): string[] => found.filter((one): one is string => one !== null);

const Lines = ({ lines }: { lines: string[] }) => (
  <Flex direction="column" gap="extra-small">
    {lines.map((line) => (
      <Text key={line}>{line}</Text>
    ))}
  </Flex>
);
