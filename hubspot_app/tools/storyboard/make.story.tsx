/** Draws each state of the card and of the settings page into one page: npm run storyboard. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

import { ACCOUNTS, linked, NOW, STATES } from '../../tests/answers';
import { button, openCard, openSettings, Relay } from '../../tests/harness';
import { overlayHtml, toHtml } from './html';

const OUT = path.join(import.meta.dirname, '..', '..', '..', 'test-artefacts', 'hubspot_app');
const STYLE = readFileSync(path.join(import.meta.dirname, 'style.css'), 'utf8');

const page = (content: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>CRMConnect in HubSpot</title><style>${STYLE}</style><body>${content}</body></html>`;

const frame = (name: string, content: string, css = '') =>
  `<div class="frame ${css}"><h2>${name}</h2><div class="card"><p class="title">CRMConnect for Cliniko</p>${content}</div></div>`;

const still = () => new Promise((resolve) => setTimeout(resolve, 20));

const drawCard = async (reply: object | Error, press?: string, options: Parameters<typeof openCard>[1] = {}) => {
  const card = openCard(new Relay().replyWith(reply, new Promise(() => undefined)), options);
  await still();
  if (press) {
    button(card.getRootNode(), press).node.trigger('onClick');
    await still();
  }
  return card.getRootNode();
};

const write = (name: string, content: string) => {
  mkdirSync(OUT, { recursive: true });
  writeFileSync(path.join(OUT, name), content);
};

it('draws the card', async () => {
  const frames = [frame('loading', toHtml(await drawCard(new Promise(() => undefined) as object)))];
  for (const [name, answer] of Object.entries(STATES)) {
    frames.push(frame(name, toHtml(await drawCard(answer))));
  }
  frames.push(frame('linked, Sync now pressed', toHtml(await drawCard(STATES.linked as object, 'Sync now'))));
  frames.push(
    frame(
      'not linked, no last name',
      toHtml(await drawCard(STATES.not_linked as object, undefined, { contact: { lastname: null } })),
    ),
  );
  frames.push(frame('no answer', toHtml(await drawCard(new Error('x')))));
  frames.push(`<div><h2>linked, Unlink pressed</h2>${overlayHtml(await drawCard(STATES.linked as object))}</div>`);
  write('storyboard.html', page(`<h1>The card in every state</h1><main>${frames.join('')}</main>`));
  // What the card library of HubSpot shows: the usual state, and nothing else.
  const preview = frame('', toHtml(await drawCard(linked())));
  write(
    'preview.html',
    page(`<style>body{padding:20px;background:#fff}.frame{width:auto}h2{display:none}</style>${preview}`),
  );
  expect(frames).toHaveLength(Object.keys(STATES).length + 5);
});

it('draws the settings page', async () => {
  const frames: string[] = [];
  for (const [name, answer] of Object.entries(ACCOUNTS)) {
    const link = {
      state: 'ready',
      url: 'https://app.example.com/signin/x',
      now: NOW,
      expiresAt: '2026-11-24T02:50:00Z',
    };
    const settings = openSettings(new Relay().replyWith(answer, link));
    await still();
    frames.push(frame(name, toHtml(settings.getRootNode()), 'wide'));
    if (name === 'connected') {
      button(settings.getRootNode(), 'Get a sign-in link').node.trigger('onClick');
      await still();
      frames.push(frame('link made', toHtml(settings.getRootNode()), 'wide'));
    }
  }
  write('settings.html', page(`<h1>The settings page in every state</h1><main>${frames.join('')}</main>`));
  expect(frames).toHaveLength(Object.keys(ACCOUNTS).length + 1);
});
