/** Whatever goes wrong on the way ends in the error state, and can be tried again. */
import { LoadingButton } from '@hubspot/ui-extensions';
import { describe, expect, it } from 'vitest';

import { ended, open, press, said, working, withFakedTime } from './acting';
import { STATES } from './answers';
import { openCard, pass, Relay, response, seenButtons, settle, type Reply } from './harness';
import { onTheWire, useKeyOf, wire } from './vectors';

withFakedTime();

describe('faults all end in the error state', () => {
  const faults: [string, Reply, string, string][] = [
    ['an exception', new Error('timed out at 10.0.0.1'), 'CRMConnect does not answer', 'no_answer'],
    ['a refusal', response(401, { code: 'signature_invalid', message: 'no' }), 'cannot be shown', 'status_401'],
    ['a broken gateway', response(502, { category: 'BAD_GATEWAY' }), 'cannot be shown', 'status_502'],
    ['too many requests', response(429, {}), 'Too many requests at once', 'status_429'],
    ['no JSON', response(200, new SyntaxError('<html>')), 'The answer could not be read', 'not_json'],
    ['JSON of another shape', { hello: 'there' }, 'The answer could not be read', 'unknown_answer'],
    [
      'a state of a newer version',
      { ...STATES.linked, state: 'sleeping' },
      'The answer could not be read',
      'unknown_answer',
    ],
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
