import {
  Button,
  Checkbox,
  Flex,
  LoadingButton,
  Modal,
  ModalBody,
  ModalFooter,
  Text,
  useExtensionActions,
} from '@hubspot/ui-extensions';
import { useState } from 'react';

import type { LinkedPatient, UnlinkRequest } from '../types/card';
import { LABELS, shortId, unlinkWords } from '../utils/words';

const MODAL = 'crmconnect-unlink';

interface Props {
  patient: LinkedPatient;
  name: string | null;
  busy: boolean;
  disabled: boolean;
  onConfirm: (options: Omit<UnlinkRequest, 'idempotencyKey'>) => void;
}

/** Asks first: what ends, what stays, and what may be cleaned up along with it. */
export const UnlinkButton = ({ patient, name, busy, disabled, onConfirm }: Props) => {
  const { closeOverlay } = useExtensionActions<'crm.record.sidebar'>();
  const [restoreFields, setRestoreFields] = useState(false);
  const [moveDeals, setMoveDeals] = useState(true);
  const { fields, deals } = patient.unlink;
  const words = unlinkWords(name, shortId(patient.id), fields, deals);

  const confirm = () => {
    closeOverlay(MODAL);
    onConfirm({ restoreFields: restoreFields && fields.length > 0, moveDeals: moveDeals && deals > 0 });
  };
  const reset = () => {
    setRestoreFields(false);
    setMoveDeals(true);
  };
  const question = (
    <Modal id={MODAL} title={words.title} aria-label={words.title} variant="danger" onClose={reset}>
      <ModalBody>
        <Flex direction="column" gap="small">
          {words.lines.map((line) => (
            <Text key={line}>{line}</Text>
          ))}
          {fields.length > 0 ? (
            <Checkbox
              name="restoreFields"
              checked={restoreFields}
              description={words.restoreDetail}
              onChange={setRestoreFields}
            >
              {words.restore}
            </Checkbox>
          ) : null}
          {deals > 0 ? (
            <Checkbox name="moveDeals" checked={moveDeals} description={words.dealsDetail} onChange={setMoveDeals}>
              {words.deals}
            </Checkbox>
          ) : null}
          <Text variant="microcopy">{words.undo}</Text>
        </Flex>
      </ModalBody>
      <ModalFooter>
        <Button variant="destructive" onClick={confirm}>
          {words.confirm}
        </Button>
        <Button variant="secondary" onClick={() => closeOverlay(MODAL)}>
          {words.keep}
        </Button>
      </ModalFooter>
    </Modal>
  );
  return (
    <LoadingButton size="sm" variant="secondary" loading={busy} disabled={disabled} overlay={question}>
      {LABELS.unlink}
    </LoadingButton>
  );
};
