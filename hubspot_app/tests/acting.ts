/** What a person does with the card: open it, press a button, let time pass. */
import { Button, Modal } from '@hubspot/ui-extensions';
import { afterEach, beforeEach, vi } from 'vitest';

import type { Action, Work } from '../src/app/cards/types/card';
import { linked, work } from './answers';
import { button, openCard, Relay, settle, words, type Reply } from './harness';

/** Timers and the clock are the test's; React's own steps and promises stay real. */
export const withFakedTime = (): void => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
};

export type Card = ReturnType<typeof openCard>;

export const said = (card: Card) => words(card.getRootNode());

export const open = async (state: object, replies: Reply[] = [], options: Parameters<typeof openCard>[1] = {}) => {
  const card = openCard(new Relay().replyWith(state, ...replies), options);
  await settle();
  return card;
};

export const press = async (card: Card, text: string) => {
  button(card.getRootNode(), text).node.trigger('onClick');
  await settle();
};

export const unlinkModal = (card: Card) => {
  const overlay = button(card.getRootNode(), 'Unlink…').node.props.overlay as unknown as Card;
  return overlay.find(Modal);
};

export const confirmUnlink = async (card: Card) => {
  unlinkModal(card).find(Button, { variant: 'destructive' }).trigger('onClick');
  await settle();
};

/** The answer while a click's work is under way, and after it. */
export const working = (key: string, action: Action) => linked({ state: 'working', work: work({ key, action }) });

export const ended = (key: string, change: Partial<Work> = {}) =>
  linked({ work: work({ key, status: 'done', finishedAt: '2026-11-24T02:45:02Z', ...change }) });
