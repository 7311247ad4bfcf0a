import { useEffect, useMemo, useSyncExternalStore } from 'react';

import type { Work } from '../types/card';
import { Session } from '../utils/session';

/** The session of this contact, begun anew for another contact, and ended with the card. */
export const useSession = (base: string | null, contactId: string, onEnded: (outcome: Work | null) => void) => {
  const session = useMemo(() => new Session(base, contactId), [base, contactId]);
  // Listens before the first request is sent.
  useEffect(() => session.ended(onEnded), [session, onEnded]);
  useEffect(() => session.start(), [session]);
  return { session, view: useSyncExternalStore(session.subscribe, session.current) };
};
