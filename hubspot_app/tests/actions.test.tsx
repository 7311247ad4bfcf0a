/** What the buttons send, what a person sees meanwhile, and how it ends. */
import { Button, Checkbox, LoadingButton, LoadingSpinner, Modal } from '@hubspot/ui-extensions';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { CardAnswer } from '../src/app/cards/types/card';
import { linked, STATES, work } from './answers';
import { button, later, openCard, pass, Relay, response, seenButtons, settle, words, type Reply } from './harness';
import { onTheWire, useKeyOf, wire } from './vectors';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

type Card = ReturnType<typeof openCard>;

const said = (card: Card) => words(card.getRootNode());

const open = async (state: object, replies: Reply[] = [], options: Parameters<typeof openCard>[1] = {}) => {
  const card = openCard(new Relay().replyWith(state, ...replies), options);
  await settle();
  return card;
};

const press = async (card: Card, text: string) => {
  button(card.getRootNode(), text).node.trigger('onClick');
  await settle();
};

const unlinkModal = (card: Card) => {
  const overlay = button(card.getRootNode(), 'Unlink…').node.props.overlay as unknown as Card;
  return overlay.find(Modal);
};

const confirmUnlink = async (card: Card) => {
  unlinkModal(card).find(Button, { variant: 'destructive' }).trigger('onClick');
  await settle();
};

const working = (key: string, action: CardAnswer['work'] extends infer W ? (W extends { action: infer A } ? A : never) : never) =>
  linked({ state: 'working', work: work({ key, action }) });

const ended = (key: string, change: Partial<NonNullable<CardAnswer['work']>> = {}) =>
  linked({ work: work({ key, status: 'done', finishedAt: '2026-11-24T02:45:02Z', ...change }) });

describe('each request, to the byte that our service verifies', () => {
  it('loads the contact', async () => {
    const card = await open(STATES.linked as object);
    expect(onTheWire(card.relay.sent[0])).toEqual(wire('contact'));
    expect(card.relay.sent[0]?.timeout).toBe(12_000);
  });

  it('loads a contact with a large id', async () => {
    const card = await open(STATES.linked as object, [], { contactId: 546500061938 });
    expect(onTheWire(card.relay.sent[0])).toEqual(wire('contact_large_id'));
  });

  it.each([
    ['sync', 'linked', 'Sync now'],
    ['push_patient', 'linked', 'Push to Cliniko'],
    ['push_patient', 'linked_both', 'Push to Cliniko'],
    ['push_patient', 'not_linked', 'Push to Cliniko'],
    ['push_patient', 'shared_email', 'Push to Cliniko'],
    ['push_contact', 'linked_contact_only', 'Push to Cliniko'],
    ['sync', 'not_linked', 'Search again'],
  ])('%s of %s', async (name, state, text) => {
    useKeyOf(name);
    const card = await open(STATES[state] as object, [new Promise(() => undefined)]);
    await press(card, text);
    expect(onTheWire(card.relay.sent[1])).toEqual(wire(name));
    expect(card.relay.sent).toHaveLength(2);
  });

  it.each([
    ['unlink', []],
    ['unlink_and_restore', [['restoreFields', true]]],
    ['unlink_only', [['moveDeals', false]]],
  ] as [string, [string, boolean][]][])('%s', async (name, ticks) => {
    useKeyOf(name);
    const card = await open(STATES.linked as object, [new Promise(() => undefined)]);
    for (const [box, checked] of ticks) {
      unlinkModal(card).find(Checkbox, { name: box }).trigger('onChange', checked as never);
      await settle();
    }
    expect(card.relay.sent).toHaveLength(1);
    await confirmUnlink(card);
    expect(onTheWire(card.relay.sent[1])).toEqual(wire(name));
    expect(card.mocks.actions.closeOverlay.calls).toEqual([['crmconnect-unlink']]);
  });

  it('uses a new key for each click', async () => {
    const card = await open(STATES.linked as object, [STATES.linked as object, STATES.linked as object]);
    await press(card, 'Sync now');
    await press(card, 'Sync now');
    const keys = card.relay.sent.slice(1).map((it) => it.body?.idempotencyKey);
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) {
      expect(key).toMatch(/^[A-Za-z0-9-]{16,64}$/);
    }
  });
});

describe('unlink asks first', () => {
  it('sends nothing when the link is kept', async () => {
    const card = await open(STATES.linked as object);
    unlinkModal(card).find(Button, { variant: 'secondary' }).trigger('onClick');
    await settle();
    expect(card.relay.sent).toHaveLength(1);
    expect(card.mocks.actions.closeOverlay.calls).toEqual([['crmconnect-unlink']]);
  });

  it('forgets the ticks when the question is closed', async () => {
    const card = await open(STATES.linked as object);
    unlinkModal(card).find(Checkbox, { name: 'restoreFields' }).trigger('onChange', true as never);
    await settle();
    expect(unlinkModal(card).find(Checkbox, { name: 'restoreFields' }).props.checked).toBe(true);
    unlinkModal(card).trigger('onClose');
    await settle();
    expect(unlinkModal(card).find(Checkbox, { name: 'restoreFields' }).props.checked).toBe(false);
  });

  it('offers nothing that there is not', async () => {
    const patient = { ...linked().patient, unlink: { fields: [], deals: 0 } };
    const card = await open(linked({ patient: patient as CardAnswer['patient'] }), [new Promise(() => undefined)]);
    expect(unlinkModal(card).findAll(Checkbox)).toEqual([]);
    await confirmUnlink(card);
    expect(card.relay.sent[1]?.body).toMatchObject({ restoreFields: false, moveDeals: false });
  });
});

describe('feedback at once', () => {
  it.each([
    ['Sync now', 'Syncing with Cliniko …'],
    ['Push to Cliniko', 'Sending to Cliniko …'],
  ])('%s', async (text, doing) => {
    const card = await open(STATES.linked as object, [new Promise(() => undefined)]);
    await press(card, text);
    expect(card.find(LoadingSpinner).props.label).toBe(doing);
    const seen = seenButtons(card.getRootNode());
    expect(seen.every((it) => it.off)).toBe(true);
    expect(seen.filter((it) => it.loading).map((it) => it.text)).toEqual([text]);
  });

  it('sends a double click once', async () => {
    const card = await open(STATES.linked as object, [new Promise(() => undefined)]);
    const { node } = button(card.getRootNode(), 'Sync now');
    node.trigger('onClick');
    node.trigger('onClick');
    await settle();
    expect(card.relay.sent).toHaveLength(2);
  });
});

describe('while work is under way', () => {
  it('looks again after 2, 4, 8 and then each 15 seconds, and stops after two minutes', async () => {
    const card = await open(STATES.linked as object);
    card.relay.replyWith(...Array.from({ length: 20 }, () => working('k', 'sync')));
    await press(card, 'Sync now');
    const at: number[] = [];
    for (let second = 0; second < 200; second += 1) {
      const before = card.relay.sent.length;
      await pass(1);
      if (card.relay.sent.length > before) {
        at.push(second + 1);
      }
    }
    expect(at).toEqual([2, 6, 14, 29, 44, 59, 74, 89, 104, 119]);
    expect(said(card)).toContain('This takes longer than usual');
    expect(button(card.getRootNode(), 'Check again').primary).toBe(true);
  });

  it('ends with the record refreshed and a word about it', async () => {
    const key = useKeyOf('sync');
    const card = await open(STATES.linked as object, [working(key, 'sync'), working(key, 'sync'), ended(key)]);
    await press(card, 'Sync now');
    expect(said(card)).toContain('Syncing with Cliniko …');
    await pass(2);
    expect(card.mocks.actions.refreshObjectProperties.callCount).toBe(0);
    await pass(4);
    expect(card.mocks.actions.refreshObjectProperties.callCount).toBe(1);
    expect(card.mocks.actions.addAlert.calls).toEqual([[{ type: 'success', message: 'In step with Cliniko.' }]]);
    expect(said(card)).toContain('Linked to a Cliniko patient');
    await pass(300);
    expect(card.relay.sent).toHaveLength(4);
    expect(card.mocks.actions.reloadPage.callCount).toBe(0);
  });

  it('may be done already when the answer comes', async () => {
    const key = useKeyOf('push_patient');
    const card = await open(STATES.linked as object, [ended(key, { action: 'push', message: '2 fields were sent to Cliniko.' })]);
    await press(card, 'Push to Cliniko');
    expect(card.mocks.actions.addAlert.calls).toEqual([[{ type: 'success', message: '2 fields were sent to Cliniko.' }]]);
    expect(card.mocks.actions.refreshObjectProperties.callCount).toBe(1);
  });

  it('says what went wrong and what to do', async () => {
    const key = useKeyOf('push_patient');
    const failed = ended(key, { action: 'push', status: 'failed', message: 'Cliniko refuses the phone.', remedy: 'Correct it.' });
    const card = await open(STATES.linked as object, [working(key, 'push'), failed]);
    await press(card, 'Push to Cliniko');
    await pass(2);
    expect(card.mocks.actions.addAlert.calls).toEqual([
      [{ type: 'danger', title: 'Nothing was sent to Cliniko', message: 'Cliniko refuses the phone. Correct it.' }],
    ]);
    expect(said(card)).toContain('Cliniko refuses the phone.');
  });

  it('does not claim the end of somebody else', async () => {
    const card = await open(working('of-another-person', 'sync'), [ended('of-another-person')]);
    await pass(2);
    expect(card.mocks.actions.addAlert.callCount).toBe(0);
    expect(card.mocks.actions.refreshObjectProperties.callCount).toBe(1);
  });

  it('finds an unlinked contact after an unlink', async () => {
    const key = useKeyOf('unlink');
    const after = { ...(STATES.not_linked_unlinked as CardAnswer), work: work({ key, action: 'unlink', status: 'done', finishedAt: '2026-11-24T02:45:02Z' }) };
    const card = await open(STATES.linked as object, [working(key, 'unlink'), after]);
    await confirmUnlink(card);
    expect(said(card)).toContain('Unlinking …');
    await pass(2);
    expect(said(card)).toContain('No Cliniko patient is linked');
    expect(card.mocks.actions.addAlert.calls[0]?.[0].message).toContain('Unlinked.');
  });

  it('checks again when asked, still for the same click', async () => {
    const key = useKeyOf('sync');
    const card = await open(STATES.linked as object);
    card.relay.replyWith(...Array.from({ length: 11 }, () => working(key, 'sync')), ended(key));
    await press(card, 'Sync now');
    await pass(130);
    await press(card, 'Check again');
    expect(card.mocks.actions.addAlert.callCount).toBe(1);
  });

  it('waits as long as a rate limit asks', async () => {
    const key = useKeyOf('sync');
    const limited = linked({ state: 'rate_limited', work: work({ key }), wait: { service: 'hubspot', seconds: 9 } });
    const card = await open(STATES.linked as object, [limited, ended(key)]);
    await press(card, 'Sync now');
    expect(said(card)).toContain('HubSpot asked us to wait 9 seconds');
    await pass(8);
    expect(card.relay.sent).toHaveLength(2);
    await pass(1);
    expect(card.relay.sent).toHaveLength(3);
    expect(card.mocks.actions.addAlert.callCount).toBe(1);
  });

  it('does not look by itself when the wait is long', async () => {
    const card = await open(STATES.rate_limited_cliniko as object, [STATES.linked as object]);
    await pass(600);
    expect(card.relay.sent).toHaveLength(1);
    await press(card, 'Check again');
    expect(said(card)).toContain('Linked to a Cliniko patient');
  });

  it('shows a state that stops the work, and asks no more', async () => {
    const card = await open(STATES.linked as object, [STATES.paused as object]);
    await press(card, 'Sync now');
    expect(said(card)).toContain('Syncing is paused');
    expect(card.mocks.actions.addAlert.callCount).toBe(0);
    await pass(300);
    expect(card.relay.sent).toHaveLength(2);
  });
});

describe('one request at a time', () => {
  it('drops what comes back for another contact', async () => {
    const slow = later();
    const card = openCard(new Relay().replyWith(slow.promise, STATES.not_linked as object));
    await settle();
    card.mocks.context.crm.objectId = 4243;
    card.rerender();
    await settle();
    expect(card.relay.sent.map((it) => it.url)).toEqual([wire('contact').url, wire('contact').url.replace('4242', '4243')]);
    expect(said(card)).toContain('No Cliniko patient is linked');
    slow.give(STATES.linked as object);
    await settle();
    expect(said(card)).toContain('No Cliniko patient is linked');
  });

  it('stops looking when the card is closed', async () => {
    const card = await open(working('k', 'sync'), [working('k', 'sync')]);
    card.close();
    await settle();
    await pass(60);
    expect(card.relay.sent).toHaveLength(1);
  });
});

describe('faults all end in the error state', () => {
  const faults: [string, Reply, string, string][] = [
    ['an exception', new Error('timed out at 10.0.0.1'), 'CRMConnect does not answer', 'no_answer'],
    ['a refusal', response(401, { code: 'signature_invalid', message: 'no' }), 'cannot be shown', 'status_401'],
    ['a broken gateway', response(502, { category: 'BAD_GATEWAY' }), 'cannot be shown', 'status_502'],
    ['too many requests', response(429, {}), 'Too many requests at once', 'status_429'],
    ['no JSON', response(200, new SyntaxError('<html>')), 'The answer could not be read', 'not_json'],
    ['JSON of another shape', { hello: 'there' }, 'The answer could not be read', 'unknown_answer'],
    ['a state of a newer version', { ...STATES.linked, state: 'sleeping' }, 'The answer could not be read', 'unknown_answer'],
    ['a list', [], 'The answer could not be read', 'unknown_answer'],
  ];

  it.each(faults)('%s while loading', async (_name, reply, title, code) => {
    const card = await open(reply, [STATES.linked as object]);
    expect(said(card)).toContain(title);
    expect(said(card)).toContain(`Reference: ${code}`);
    expect(said(card)).not.toMatch(/10\.0\.0\.1|html|signature/);
    expect(seenButtons(card.getRootNode()).map((it) => [it.text, it.primary])).toEqual([['Try again', true]]);
    await press(card, 'Try again');
    expect(onTheWire(card.relay.sent[1])).toEqual(wire('contact'));
    expect(said(card)).toContain('Linked to a Cliniko patient');
  });

  it.each(faults)('%s after a click: the same click is repeated', async (_name, reply, _title, code) => {
    const key = useKeyOf('sync');
    const card = await open(STATES.linked as object, [reply, ended(key)]);
    await press(card, 'Sync now');
    expect(said(card)).toContain(`Reference: ${code}`);
    const unsure = !['status_401', 'status_429'].includes(code);
    expect(said(card).includes('We do not know whether your click arrived')).toBe(unsure);
    await press(card, 'Try again');
    expect(onTheWire(card.relay.sent[2])).toEqual(wire('sync'));
    expect(card.mocks.actions.addAlert.callCount).toBe(1);
  });

  it('also while looking again, without losing the click', async () => {
    const key = useKeyOf('sync');
    const card = await open(STATES.linked as object, [working(key, 'sync'), new Error('x'), ended(key)]);
    await press(card, 'Sync now');
    await pass(2);
    expect(said(card)).toContain('CRMConnect does not answer');
    await pass(300);
    expect(card.relay.sent).toHaveLength(3);
    await press(card, 'Try again');
    expect(onTheWire(card.relay.sent[3])).toEqual(wire('contact'));
    expect(card.mocks.actions.addAlert.callCount).toBe(1);
  });

  it.each([[{}], [{ publicBaseUrl: '${publicBaseUrl}' }], [{ publicBaseUrl: 'http://app.example.com' }]])(
    'no address: %o',
    async (variables) => {
      const card = openCard(new Relay(), { variables: variables as Record<string, string> });
      await settle();
      expect(said(card)).toContain('This card does not know where to ask');
      expect(card.relay.sent).toEqual([]);
    },
  );

  it('the error state of our service tries again with a new look', async () => {
    const card = await open(STATES.error as object, [STATES.linked as object]);
    await press(card, 'Try again');
    expect(onTheWire(card.relay.sent[1])).toEqual(wire('contact'));
    expect(card.findAll(LoadingButton).length).toBeGreaterThan(1);
  });
});
