/** Opens the card or the settings page in HubSpot's test renderer, in front of a stand-in for HubSpot's relay. */
import type { ButtonProps } from '@hubspot/ui-extensions';
import { createRenderer, type RenderedElementNode, type RenderedRootNode } from '@hubspot/ui-extensions/testing';
import { useEffect, useState, type ReactNode } from 'react';
import { onTestFinished, vi } from 'vitest';

import { ContactCard } from '../src/app/cards/ContactCard';
import { Settings } from '../src/app/settings/Settings';
import { BASE } from './answers';

export interface Sent {
  url: string;
  method: string;
  timeout: number;
  body?: Record<string, unknown>;
}

/** An answer to give: JSON with 200, a whole response, an exception, or a promise of one of these. */
export type Reply = object | Error | Promise<object>;

export class Relay {
  readonly sent: Sent[] = [];
  private readonly replies: Reply[] = [];

  constructor() {
    const hsFetch = vi.fn(async (url: string, options: Omit<Sent, 'url'>) => {
      this.sent.push({ url, ...options });
      const reply = await this.replies.shift();
      if (reply === undefined) {
        throw new Error(`nothing left to answer ${options.method} ${url} with`);
      }
      if (reply instanceof Error) {
        throw reply;
      }
      return 'json' in reply ? reply : response(200, reply);
    });
    vi.stubGlobal('self', { hsFetch });
  }

  replyWith(...replies: Reply[]): this {
    this.replies.push(...replies);
    return this;
  }
}

export const response = (status: number, value: unknown) => ({
  ok: status >= 200 && status < 300,
  status,
  json: async () => {
    if (value instanceof Error) {
      throw value;
    }
    return value;
  },
});

/** A reply that comes when the test says so. */
export const later = () => {
  let give: (value: object) => void = () => undefined;
  const promise = new Promise<object>((resolve) => {
    give = resolve;
  });
  return { promise, give };
};

export const CONTACT = {
  firstname: 'Ana',
  lastname: 'Ruiz',
  email: 'ana@example.com',
  mobilephone: '0412 345 678',
  phone: '',
  address: '12 High Street',
  city: 'Fitzroy',
  state: null,
  zip: '3065',
  country: 'Australia',
  cliniko_date_of_birth: null,
  date_of_birth: null,
};

interface Options {
  location?: 'crm.record.sidebar' | 'crm.record.tab';
  contactId?: number;
  contact?: Record<string, string | null>;
  contactError?: Error;
  contactLoading?: boolean;
  locale?: string;
  variables?: Record<string, string>;
}

export const openCard = (relay: Relay, options: Options = {}) => {
  const renderer = createRenderer(options.location ?? 'crm.record.sidebar');
  const { mocks } = renderer;
  mocks.context.crm.objectId = options.contactId ?? 4242;
  mocks.context.variables = options.variables ?? { publicBaseUrl: BASE };
  mocks.context.user.locale = options.locale ?? 'en-au';
  const contact = { ...CONTACT, ...options.contact };
  mocks.useCrmProperties.willCall((names) => ({
    properties: Object.fromEntries(
      (options.contactLoading ? [] : (names as string[])).map((name) => [
        name,
        contact[name as keyof typeof contact] ?? null,
      ]),
    ),
    error: options.contactError ?? null,
    isLoading: options.contactLoading ?? false,
    isRefetching: false,
    refetch: async () => undefined,
  }));
  const page = host(() => <ContactCard />);
  renderer.render(<page.Host />);
  return { ...renderer, relay, rerender: page.rerender, close: page.close };
};

/** The renderer starts anew with each render(); this page changes its mind about one root instead. */
const host = (content: () => ReactNode) => {
  let change: (open: boolean) => void = () => undefined;
  const Host = () => {
    const [{ open }, set] = useState({ open: true });
    useEffect(() => {
      change = (next) => set({ open: next });
    }, []);
    return open ? content() : null;
  };
  const close = () => change(false);
  // A card left open would go on asking, and find the next test's relay.
  onTestFinished(async () => {
    close();
    await settle();
  });
  return { Host, rerender: () => change(true), close };
};

export const openSettings = (relay: Relay, variables: Record<string, string> = { publicBaseUrl: BASE }) => {
  const renderer = createRenderer('settings');
  renderer.mocks.context.variables = variables;
  renderer.mocks.context.user.locale = 'en-au';
  const page = host(() => <Settings />);
  renderer.render(<page.Host />);
  return { ...renderer, relay };
};

/** All visible words, for "does it say …". What only an overlay shows is not among them. */
export const words = (root: RenderedRootNode): string => {
  const found: string[] = [];
  const walk = (node: { nodeType: string; text?: string | null; props?: object; childNodes?: unknown[] }) => {
    const props = (node.props ?? {}) as { title?: unknown; label?: unknown };
    for (const prop of [props.title, props.label]) {
      if (typeof prop === 'string') {
        found.push(prop);
      }
    }
    if (node.nodeType === 'text' && node.text) {
      found.push(node.text);
    }
    (node.childNodes ?? []).forEach((child) => walk(child as Parameters<typeof walk>[0]));
  };
  walk(root as unknown as Parameters<typeof walk>[0]);
  return found.join('\n');
};

/** Until React has drawn and answers have arrived. React works in steps of a few milliseconds on immediates, so on a busy
 * machine one turn is not enough. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** Let faked time pass, second by second, with all that it starts. */
export const pass = async (seconds: number): Promise<void> => {
  for (let second = 0; second < seconds; second += 1) {
    await vi.advanceTimersByTimeAsync(1000);
    await settle();
  }
};

export interface Seen {
  text: string;
  primary: boolean;
  off: boolean;
  loading: boolean;
  node: RenderedElementNode<ButtonProps>;
}

/** The buttons a person sees, in order; not those of a closed modal. */
export const seenButtons = (root: RenderedRootNode): Seen[] => {
  const found: Seen[] = [];
  const walk = (node: RenderedElementNode | RenderedRootNode) => {
    for (const child of node.childNodes) {
      if (child.nodeType !== 'element') {
        continue;
      }
      const element = child as RenderedElementNode;
      if (['Button', 'LoadingButton'].includes(element.name)) {
        const { variant, disabled, loading } = element.props as Record<string, unknown>;
        found.push({
          text: element.text ?? '',
          primary: variant === 'primary',
          off: disabled === true,
          loading: loading === true,
          node: element as unknown as RenderedElementNode<ButtonProps>,
        });
      }
      walk(element);
    }
  };
  walk(root);
  return found;
};

export const button = (root: RenderedRootNode, text: string): Seen => {
  const found = seenButtons(root).find((it) => it.text === text);
  if (found === undefined) {
    throw new Error(
      `no button "${text}" among: ${seenButtons(root)
        .map((it) => it.text)
        .join(', ')}`,
    );
  }
  return found;
};
