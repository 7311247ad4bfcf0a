/** While work is under way, and how it ends. */
import { describe, expect, it } from 'vitest';

import type { CardAnswer } from '../src/app/cards/types/card';
import { confirmUnlink, ended, open, press, said, working, withFakedTime } from './acting';
import { linked, STATES, work } from './answers';
import { button, later, openCard, pass, Relay, settle } from './harness';
import { useKeyOf, wire } from './vectors';

withFakedTime();

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
    const card = await open(STATES.linked as object, [
      ended(key, { action: 'push', message: '2 fields were sent to Cliniko.' }),
    ]);
    await press(card, 'Push to Cliniko');
    expect(card.mocks.actions.addAlert.calls).toEqual([
      [{ type: 'success', message: '2 fields were sent to Cliniko.' }],
    ]);
    expect(card.mocks.actions.refreshObjectProperties.callCount).toBe(1);
  });

  it('says what went wrong and what to do', async () => {
    const key = useKeyOf('push_patient');
    const failed = ended(key, {
      action: 'push',
      status: 'failed',
      message: 'Cliniko refuses the phone.',
      remedy: 'Correct it.',
    });
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
    const after = {
      ...(STATES.not_linked_unlinked as CardAnswer),
      work: work({ key, action: 'unlink', status: 'done', finishedAt: '2026-11-24T02:45:02Z' }),
    };
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
    expect(card.relay.sent.map((it) => it.url)).toEqual([
      wire('contact').url,
      wire('contact').url.replace('4242', '4243'),
    ]);
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

  it('does not begin to look for a card that was closed meanwhile', async () => {
    const slow = later();
    const card = openCard(new Relay().replyWith(slow.promise, working('k', 'sync')));
    await settle();
    card.close();
    await settle();
    slow.give(working('k', 'sync'));
    await pass(60);
    expect(card.relay.sent).toHaveLength(1);
  });
});
