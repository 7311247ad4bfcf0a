import { DescriptionList, DescriptionListItem, Flex, Link, StatusTag, Text } from '@hubspot/ui-extensions';

import type { CardAnswer, LinkedPatient } from '../types/card';
import { exact, since, type Clock } from '../utils/times';
import {
  LABELS,
  NEEDS_A_PERSON,
  NEVER,
  NO_LAST_VISIT,
  NO_VISIT,
  PATIENT_STATUS,
  RULES,
  shortId,
  TAGS,
  VISITS_UNKNOWN,
} from '../utils/words';

interface Props {
  answer: CardAnswer;
  clock: Clock;
}

/** Who in Cliniko this contact is, since when that is true, and the visits around today: when, never what for. */
export const LinkDetails = ({ answer, clock }: Props) => {
  const { patient, clinikoContact: contact, sync } = answer;
  const syncedAt = patient?.syncedAt ?? contact?.syncedAt ?? null;
  const rule = RULES[(patient ?? contact)?.rule ?? ''];
  return (
    <Flex direction="column" gap="small">
      <DescriptionList direction="row">
        {patient ? <Item label={LABELS.patient} it={patient} /> : null}
        {contact ? <Item label={LABELS.contact} it={contact} /> : null}
        {sync ? (
          <DescriptionListItem label={LABELS.status}>
            <StatusTag variant={TAGS[sync.status]}>{sync.status}</StatusTag>
          </DescriptionListItem>
        ) : null}
        <DescriptionListItem label={LABELS.synced}>
          <Text>{syncedAt === null ? NEVER : since(syncedAt, clock)}</Text>
        </DescriptionListItem>
        {patient ? (
          <DescriptionListItem label={LABELS.next}>
            <Text>{visit(patient, patient.nextVisitAt, NO_VISIT, clock)}</Text>
          </DescriptionListItem>
        ) : null}
        {patient ? (
          <DescriptionListItem label={LABELS.last}>
            <Text>{visit(patient, patient.lastVisitAt, NO_LAST_VISIT, clock)}</Text>
          </DescriptionListItem>
        ) : null}
      </DescriptionList>
      {sync?.message && !shownAbove(answer) ? <Text>{sync.message}</Text> : null}
      {patient && PATIENT_STATUS[patient.status] ? <Text>{PATIENT_STATUS[patient.status]}</Text> : null}
      {rule ? <Text variant="microcopy">{rule}</Text> : null}
    </Flex>
  );
};

/** The head of the card says it already, as something that needs a person. */
const shownAbove = ({ state, sync }: CardAnswer): boolean =>
  state === 'linked' && sync !== null && NEEDS_A_PERSON.includes(sync.status);

const Item = ({ label, it }: { label: string; it: { id: string; url: string | null } }) => (
  <DescriptionListItem label={label}>
    <Flex gap="small" wrap="wrap">
      <Text>{shortId(it.id)}</Text>
      {it.url ? <Link href={{ url: it.url, external: true }}>{LABELS.open}</Link> : null}
    </Flex>
  </DescriptionListItem>
);

const visit = (patient: LinkedPatient, at: string | null, none: string, clock: Clock): string => {
  if (at !== null) {
    return exact(at, clock);
  }
  return patient.visitsKnown ? none : VISITS_UNKNOWN;
};
