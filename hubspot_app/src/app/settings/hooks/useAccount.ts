import { useCallback, useEffect, useRef, useState } from 'react';

import type { AccountAnswer } from '../types/card';
import { accountCall, Fault, send } from '../utils/api';
import { decodeAccount } from '../utils/decode';

export type View =
  { kind: 'loading' } | { kind: 'failed'; fault: Fault } | { kind: 'ready'; answer: AccountAnswer; looking: boolean };

/** The state of this HubSpot account; `check` asks again. An answer that comes after the page was closed is dropped. */
export const useAccount = (base: string | null) => {
  const [view, setView] = useState<View>({ kind: 'loading' });
  const round = useRef(0);

  const ask = useCallback(async () => {
    const mine = ++round.current;
    let found: View;
    try {
      found = { kind: 'ready', answer: await send(base, accountCall(), decodeAccount), looking: false };
    } catch (error) {
      found = { kind: 'failed', fault: error instanceof Fault ? error : new Fault('internal', false) };
    }
    if (mine === round.current) {
      setView(found);
    }
  }, [base]);

  useEffect(() => {
    const rounds = round;
    void ask();
    return () => {
      rounds.current += 1;
    };
  }, [ask]);

  const check = useCallback(() => {
    setView((old) => (old.kind === 'ready' ? { ...old, looking: true } : { kind: 'loading' }));
    void ask();
  }, [ask]);

  return { view, check };
};
