/** What the buttons send, to the byte, and what a person sees at once. */
import { Button, Checkbox, LoadingSpinner } from '@hubspot/ui-extensions';
import { describe, expect, it } from 'vitest';

import type { CardAnswer } from '../src/app/cards/types/card';
import { confirmUnlink, open, press, unlinkModal, withFakedTime } from './acting';
import { linked, STATES } from './answers';
import { button, seenButtons, settle } from './harness';
import { onTheWire, useKeyOf, wire } from './vectors';

withFakedTime();

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
      unlinkModal(card)
        .find(Checkbox, { name: box })
        .trigger('onChange', checked as never);
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
    unlinkModal(card)
      .find(Checkbox, { name: 'restoreFields' })
      .trigger('onChange', true as never);
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
