/** One contact's card while it is open: what it shows, the clicks it sends, and when it looks again. No React here. */
import type { Action, CardAnswer, PushRequest, UnlinkRequest, Work } from '../types/card';
import { actionCall, contactCall, Fault, send, type Call } from './api';
import { cardDecoder } from './decode';
import { newKey } from './keys';
import { nextLook } from './polling';

export interface Ready {
  kind: 'ready';
  answer: CardAnswer;
  /** The click whose request is on its way. */
  sending: Action | null;
  /** "Check again" was pressed. */
  looking: boolean;
  /** Two minutes of looking were not enough. */
  slow: boolean;
}

export type View = { kind: 'loading' } | { kind: 'failed'; fault: Fault } | Ready;

export type Options = Omit<PushRequest, 'idempotencyKey'> | Omit<UnlinkRequest, 'idempotencyKey'>;

/** What is waited for: our click, how often and how long we looked, and whether work was seen under way. */
interface Watch {
  key: string | null;
  looks: number;
  waited: number;
  working: boolean;
}

const FRESH: Watch = { key: null, looks: 0, waited: 0, working: false };
const UNDER_WAY: readonly string[] = ['working', 'rate_limited'];

/**
 * One request at a time; what comes back after a newer request, or after the card was closed, is dropped. `ended` hears
 * of work that ended while we watched: its outcome when it was this card's own click, null when it was somebody else's.
 */
export class Session {
  private view: View = { kind: 'loading' };
  private watch = FRESH;
  private last: Call;
  private round = 0;
  private clicked = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly decoder;
  private readonly listeners = new Set<() => void>();
  private readonly enders = new Set<(outcome: Work | null) => void>();

  constructor(
    private readonly base: string | null,
    private readonly contactId: string,
  ) {
    this.decoder = cardDecoder(base);
    this.last = contactCall(contactId);
  }

  readonly current = (): View => this.view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly ended = (ender: (outcome: Work | null) => void): (() => void) => {
    this.enders.add(ender);
    return () => this.enders.delete(ender);
  };

  /** Begin, and return how to end. */
  readonly start = (): (() => void) => {
    void this.ask(contactCall(this.contactId), FRESH);
    return () => {
      this.round += 1;
      clearTimeout(this.timer);
    };
  };

  readonly act = (action: Action, options?: Options): void => {
    if (this.clicked || this.view.kind !== 'ready') {
      return;
    }
    this.clicked = true;
    const key = newKey();
    this.show({ ...this.view, sending: action });
    void this.ask(actionCall(this.contactId, action, { idempotencyKey: key, ...options }), { ...FRESH, key });
  };

  /** Look once more, still for the same click; only the two minutes begin anew. */
  readonly check = (): void => {
    if (this.clicked || this.view.kind !== 'ready') {
      return;
    }
    this.clicked = true;
    this.show({ ...this.view, looking: true });
    const { key, working } = this.watch;
    void this.ask(contactCall(this.contactId), { ...FRESH, key, working });
  };

  /** After a fault: the very same request with the same key. If it did arrive, it is not done twice. */
  readonly again = (): void => {
    if (this.clicked || this.view.kind !== 'failed') {
      return;
    }
    this.clicked = true;
    this.show({ kind: 'loading' });
    void this.ask(this.last, this.watch);
  };

  private async ask(call: Call, watch: Watch): Promise<void> {
    clearTimeout(this.timer);
    const mine = ++this.round;
    this.last = call;
    this.watch = watch;
    let answer: CardAnswer;
    try {
      answer = await send(this.base, call, this.decoder);
    } catch (error) {
      if (mine === this.round) {
        this.clicked = false;
        this.show({
          kind: 'failed',
          fault: error instanceof Fault ? error : new Fault('internal', call.method === 'POST'),
        });
      }
      return;
    }
    if (mine === this.round) {
      this.clicked = false;
      this.take(answer);
    }
  }

  private take(answer: CardAnswer): void {
    if (UNDER_WAY.includes(answer.state)) {
      const { looks, waited, key } = this.watch;
      const wait = nextLook(looks, waited, answer.wait?.seconds ?? null);
      this.watch = { key, looks: looks + 1, waited: waited + (wait ?? 0), working: true };
      this.show({ kind: 'ready', answer, sending: null, looking: false, slow: wait === null });
      if (wait !== null) {
        this.timer = setTimeout(() => void this.ask(contactCall(this.contactId), this.watch), wait * 1000);
      }
      return;
    }
    this.show({ kind: 'ready', answer, sending: null, looking: false, slow: false });
    const { key, working } = this.watch;
    const own = key !== null && answer.work?.key === key && answer.work.finishedAt !== null;
    this.watch = FRESH;
    if (own || working) {
      this.enders.forEach((ender) => ender(own ? answer.work : null));
    }
  }

  private show(view: View): void {
    this.view = view;
    this.listeners.forEach((listener) => listener());
  }
}
