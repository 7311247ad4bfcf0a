/** The card on a contact, the same in the sidebar and as a tab: is this person linked to Cliniko, and the buttons. */
import { LoadingSpinner, useExtensionActions, useExtensionContext } from '@hubspot/ui-extensions';
import { useCrmProperties } from '@hubspot/ui-extensions/crm';

import { Answer } from './components/Answer';
import { Failure } from './components/Failure';
import { useSession } from './hooks/useSession';
import type { Work } from './types/card';
import { baseUrl } from './utils/api';
import { BIRTH_PROPERTIES, PROPERTIES } from './utils/preview';
import { DONE, FAILED, LABELS } from './utils/words';

export const ContactCard = () => {
  const { crm, portal, user, variables } = useExtensionContext<'crm.record.sidebar'>();
  const { addAlert, refreshObjectProperties } = useExtensionActions<'crm.record.sidebar'>();
  const details = useCrmProperties([...PROPERTIES]);
  const births = useCrmProperties([...BIRTH_PROPERTIES]);

  const onFinished = (work: Work | null) => {
    refreshObjectProperties();
    if (work?.status === 'done') {
      addAlert({ type: 'success', message: work.message ?? DONE[work.action] });
    } else if (work?.status === 'failed') {
      const message = [work.message, work.remedy].filter(Boolean).join(' ') || FAILED[work.action];
      addAlert({ type: 'danger', title: FAILED[work.action], message });
    }
  };
  const { session, view } = useSession(baseUrl(variables), String(crm.objectId), onFinished);

  switch (view.kind) {
    case 'loading':
      return <LoadingSpinner label={LABELS.loading} showLabel layout="centered" />;
    case 'failed':
      return <Failure fault={view.fault} again={session.again} />;
    case 'ready':
      return (
        <Answer
          view={view}
          person={{
            properties: details.error ? null : details.properties,
            births: births.error ? {} : births.properties,
            loading: details.isLoading,
          }}
          portalZone={portal.timezone}
          locale={user.locale}
          act={session.act}
          check={session.check}
        />
      );
  }
};
