import { useCallback, useEffect, useRef, useState } from 'react';

import type { SigninAnswer, SigninRequest } from '../types/card';
import { send, signinCall } from '../utils/api';
import { signinDecoder } from '../utils/decode';
import { newKey } from '../utils/keys';

export type Link =
  | { kind: 'none' }
  | { kind: 'asking' }
  | { kind: 'ready'; url: string; expiresAt: string }
  | { kind: 'refused'; answer: SigninAnswer }
  | { kind: 'failed' };

/** A sign-in link on request: it is good for one use and a short time, so it is made only when somebody wants it. */
export const useSignin = (base: string | null) => {
  const [link, setLink] = useState<Link>({ kind: 'none' });
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const asking = useRef(false);
  useEffect(() => () => clearTimeout(timer.current), []);

  const ask = useCallback(
    async (page: SigninRequest['page']) => {
      if (asking.current) {
        return;
      }
      asking.current = true;
      setLink({ kind: 'asking' });
      try {
        const answer = await send(base, signinCall({ idempotencyKey: newKey(), page }), signinDecoder(base));
        if (answer.url === null || answer.expiresAt === null) {
          setLink({ kind: 'refused', answer });
        } else {
          setLink({ kind: 'ready', url: answer.url, expiresAt: answer.expiresAt });
          const life = Date.parse(answer.expiresAt) - Date.parse(answer.now);
          timer.current = setTimeout(() => setLink({ kind: 'none' }), Math.max(0, life));
        }
      } catch {
        setLink({ kind: 'failed' });
      } finally {
        asking.current = false;
      }
    },
    [base],
  );

  /** The link was opened: it does not work a second time. */
  const used = useCallback(() => {
    clearTimeout(timer.current);
    setLink({ kind: 'none' });
  }, []);

  return { link, ask, used };
};
