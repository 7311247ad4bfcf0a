/** What the card shows in each state, and that no more than one button stands out. */
import {
  Button,
  EmptyState,
  Icon,
  Link,
  LoadingButton,
  LoadingSpinner,
  Modal,
  StatusTag,
  Tag,
} from '@hubspot/ui-extensions';
import { describe, expect, it, vi } from 'vitest';

import { STATES as ALL } from '../src/app/cards/utils/decode';
import { linked, patient, STATES } from './answers';
import { button, openCard, Relay, seenButtons, words } from './harness';

const show = async (state: keyof typeof STATES | object, options: Parameters<typeof openCard>[1] = {}) => {
  const reply = typeof state === 'string' ? STATES[state] : state;
  const card = openCard(new Relay().replyWith(reply as object), options);
  await card.waitFor(() => expect(card.maybeFind(LoadingSpinner, { label: 'Loading the link to Cliniko' })).toBeNull());
  return { ...card, said: words(card.getRootNode()) };
};

const EXPECTED: Record<keyof typeof STATES, { says: string[]; buttons: string[] }> = {
  linked: {
    says: [
      'Linked to a Cliniko patient',
      '836447…061',
      'Synced',
      '3 minutes ago, 1:42 pm',
      'Next visit\nThu 26 Nov, 9:30 am',
      'Last visit\nThu 12 Nov, 12:00 pm',
      'Matched by email and name.',
    ],
    buttons: ['Sync now *', 'Push to Cliniko', 'Unlink…'],
  },
  linked_contact_only: {
    says: ['Linked to a contact in Cliniko', '5512', 'Sun 22 Nov, 2:00 pm', 'This contact was created from Cliniko.'],
    buttons: ['Sync now *', 'Push to Cliniko'],
  },
  linked_both: { says: ['836447…061', '5512'], buttons: ['Sync now *', 'Push to Cliniko', 'Unlink…'] },
  linked_shared_email: {
    says: ["Another contact already has this patient's email"],
    buttons: ['Sync now *', 'Push to Cliniko', 'Unlink…'],
  },
  linked_review: {
    says: ['2 decisions wait for you', 'perhaps another person'],
    buttons: ['Sync now *', 'Push to Cliniko', 'Unlink…', 'Open the review'],
  },
  linked_archived: {
    says: ['This patient is archived in Cliniko.', 'None booked'],
    buttons: ['Sync now *', 'Push to Cliniko', 'Unlink…'],
  },
  linked_history_unread: {
    says: ['Next visit\nStill being read', 'Last visit\nStill being read', 'Last synced\nNot yet'],
    buttons: ['Sync now *', 'Push to Cliniko', 'Unlink…'],
  },
  linked_needs_attention: {
    says: ['Needs attention', 'HubSpot refuses the email address.'],
    buttons: ['Sync now *', 'Push to Cliniko', 'Unlink…'],
  },
  linked_push_failed: {
    says: ['Nothing was sent to Cliniko', 'Cliniko refuses the mobile phone number.', 'Correct it on this contact'],
    buttons: ['Sync now *', 'Push to Cliniko', 'Unlink…'],
  },
  linked_push_off: {
    says: ['Sending to Cliniko is switched off for your clinic.'],
    buttons: ['Sync now *', 'Push to Cliniko (off)', 'Unlink…'],
  },
  not_linked: {
    says: [
      'No Cliniko patient is linked',
      'Push creates one from: Ana Ruiz, ana@example.com, 0412 345 678, 12 High Street Fitzroy 3065 Australia.',
      'Not on this contact: home phone, birth date.',
      'If Cliniko already has this person',
    ],
    buttons: ['Push to Cliniko *', 'Search again'],
  },
  not_linked_unlinked: { says: ['It was unlinked by a person'], buttons: ['Push to Cliniko *', 'Search again'] },
  shared_email: {
    says: ['Several patients use this email', '3 Cliniko patients have this contact'],
    buttons: ['Open the review *', 'Push to Cliniko', 'Search again'],
  },
  review: {
    says: ['1 decision waits for you', 'another name or birth date'],
    buttons: ['Open the review *', 'Push to Cliniko', 'Search again'],
  },
  working_sync: {
    says: ['Syncing with Cliniko …', 'Started just now.', '836447…061'],
    buttons: ['Sync now (off)', 'Push to Cliniko (off)', 'Unlink… (off)'],
  },
  working_push: { says: ['Sending to Cliniko …'], buttons: ['Push to Cliniko (off)', 'Search again (off)'] },
  working_unlink: { says: ['Unlinking …'], buttons: ['Sync now (off)', 'Push to Cliniko (off)', 'Unlink… (off)'] },
  rate_limited: {
    says: ['HubSpot asked us to wait 9 seconds', 'It goes on by itself'],
    buttons: ['Sync now (off)', 'Push to Cliniko (off)', 'Unlink… (off)'],
  },
  rate_limited_cliniko: {
    says: ['Cliniko asked us to wait 3 minutes'],
    buttons: ['Check again *', 'Sync now (off)', 'Push to Cliniko (off)', 'Unlink… (off)'],
  },
  paused: {
    says: ['Syncing is paused', 'Sam paused syncing on 20 November.', 'An admin can resume it', '836447…061'],
    buttons: ['Check again'],
  },
  not_connected: { says: ['Cliniko is not connected yet', 'Connected apps'], buttons: ['Check again'] },
  reconnect_needed: { says: ['Cliniko no longer lets us in', 'enters a new Cliniko key'], buttons: ['Check again'] },
  not_allowed: { says: ['You may not see this here', 'Ask an admin'], buttons: ['Check again'] },
  uninstalled: { says: ['CRMConnect is not installed any more', 'install it again'], buttons: ['Check again'] },
  error: {
    says: [
      'The link to Cliniko cannot be shown',
      'Cliniko does not answer.',
      'tried again by itself',
      'Reference: unavailable',
    ],
    buttons: ['Try again *'],
  },
};

describe('each state', () => {
  it.each(Object.keys(STATES))('%s', async (name) => {
    const expected = EXPECTED[name];
    const card = await show(name);
    for (const text of expected?.says ?? ['?']) {
      expect(card.said).toContain(text);
    }
    const marks = seenButtons(card.getRootNode()).map(
      (it) => `${it.text}${it.off ? ' (off)' : ''}${it.primary ? ' *' : ''}`,
    );
    expect(marks).toEqual(expected?.buttons);
    // One button at most stands out, and it comes first.
    expect(marks.slice(1).filter((it) => it.endsWith('*'))).toEqual([]);
  });

  it('is among the states above', () => {
    expect(new Set(Object.values(STATES).map((it) => it.state))).toEqual(new Set(ALL));
  });

  it.each(Object.keys(STATES))('%s reads well aloud', async (name) => {
    const card = await show(name);
    for (const spinner of card.findAll(LoadingSpinner)) {
      expect(spinner.props.showLabel).toBe(true);
    }
    for (const it of [...card.findAll(Button), ...card.findAll(LoadingButton), ...card.findAll(Link)]) {
      expect(it.text?.trim().length).toBeGreaterThan(3);
    }
    // A colour is never alone: a tag says its state in words, and there are no bare icons.
    for (const tag of card.findAll(StatusTag)) {
      expect(tag.text?.trim().length).toBeGreaterThan(2);
    }
    expect(card.findAll(Icon)).toEqual([]);
    expect(card.findAll(Tag)).toEqual([]);
    expect(card.said).not.toMatch(/!|oops|upsert|payload|cursor|\bjob\b|undefined|null|NaN/i);
  });
});

it('loads first, and says so', async () => {
  const card = openCard(new Relay().replyWith(new Promise(() => undefined)));
  expect(card.find(LoadingSpinner).props).toMatchObject({ label: 'Loading the link to Cliniko', showLabel: true });
  expect(card.findAll(LoadingButton)).toEqual([]);
  await vi.waitFor(() => expect(card.relay.sent).toHaveLength(1));
});

it('is the same as a tab', async () => {
  const card = await show('linked', { location: 'crm.record.tab' });
  expect(card.said).toContain('Linked to a Cliniko patient');
});

it('opens the patient in Cliniko in a new tab', async () => {
  const card = await show('linked');
  expect(card.find(Link).props.href).toEqual({ url: patient.url, external: true });
});

it('has no link while the address of the Cliniko account is not known', async () => {
  const card = await show(linked({ patient: { ...patient, url: null } }));
  expect(card.findAll(Link)).toEqual([]);
});

it('opens the review on our own site', async () => {
  const card = await show('review');
  expect(card.find(Button, { variant: 'primary' }).props.href).toEqual({
    url: 'https://app.example.com/review',
    external: true,
  });
});

it('uses a picture that HubSpot has', async () => {
  expect((await show('not_connected')).find(EmptyState).props.imageName).toBe('integrations');
  expect((await show('not_allowed')).find(EmptyState).props.imageName).toBe('lock');
});

describe('push preview', () => {
  it.each([
    [{ lastname: null }, 'Push needs a last name'],
    [{ firstname: ' ', lastname: '' }, 'Push needs a first name and a last name'],
  ])('says what is missing: %o', async (contact, text) => {
    const card = await show('not_linked', { contact });
    expect(card.said).toContain(text);
    expect(card.find(LoadingButton, { variant: 'primary' }).props.disabled).toBe(true);
  });

  it('names the birth date without showing it', async () => {
    const card = await show('not_linked', { contact: { date_of_birth: '1984-05-06' } });
    expect(card.said).toContain('birth date');
    expect(card.said).not.toContain('1984');
  });

  it('says nothing of what is missing while HubSpot has not answered', async () => {
    const card = await show('not_linked', { contactLoading: true });
    expect(card.said).toContain('Reading what a push would send');
    expect(card.said).not.toContain('Push needs');
    expect(button(card.getRootNode(), 'Push to Cliniko').off).toBe(true);
    expect(button(card.getRootNode(), 'Search again').off).toBe(false);
  });

  it('lets a person push when HubSpot does not give the details', async () => {
    const card = await show('not_linked', { contactError: new Error('no') });
    expect(card.said).toContain('could not be read');
    expect(card.find(LoadingButton, { variant: 'primary' }).props.disabled).toBe(false);
  });

  it('is not there for a linked contact', async () => {
    expect((await show('linked', { contact: { lastname: null } })).said).not.toContain('Push needs');
  });
});

it('asks before it unlinks, and says what will happen', async () => {
  const card = await show('linked');
  const overlay = button(card.getRootNode(), 'Unlink…').node.props.overlay as unknown as typeof card;
  const modal = overlay.find(Modal);
  expect(modal.props).toMatchObject({ title: 'Unlink Ana Ruiz?', variant: 'danger' });
  const said = words(modal as never);
  expect(said).toContain('nothing is deleted');
  expect(said).toContain('get a contact of their own');
  expect(said).toContain('Move the 14 deals of this patient');
  expect(modal.findAll(Button).map((it) => [it.text, it.props.variant])).toEqual([
    ['Unlink Ana Ruiz', 'destructive'],
    ['Keep the link', 'secondary'],
  ]);
});
