/** HubSpot's rendered tree as static HTML that comes near to how HubSpot draws it, to look at what we made. */
import type { RenderedRootNode } from '@hubspot/ui-extensions/testing';

/** A rendered node, loosely: each piece reads the few props that it draws. */
interface Node {
  nodeType: string;
  name: string;
  text: string | null;
  props: Record<string, unknown>;
  childNodes: unknown[];
}

const escape = (text: unknown): string =>
  String(text).replace(/[&<>"]/g, (one) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[one] ?? one);

const inside = (node: { childNodes: unknown[] }): string =>
  node.childNodes
    .map((child) => {
      const it = child as Node;
      return it.nodeType === 'text' ? escape(it.text) : draw(it);
    })
    .join('');

const tag = (name: string, css: string, content: string, attributes = ''): string =>
  `<${name} class="${css}"${attributes}>${content}</${name}>`;

const titled = (css: string, node: Node): string =>
  tag(
    'div',
    `${css} ${escape(node.props.variant ?? '')}`,
    tag('strong', '', escape(node.props.title ?? '')) + inside(node),
  );

const button = (node: Node): string => {
  const { variant, disabled, loading, href, size } = node.props;
  const outside = href ? ' ↗' : '';
  const off = disabled === true || loading === true ? ' disabled' : '';
  const spinner = loading === true ? '<i class="spin"></i>' : '';
  return tag(
    'button',
    `button ${escape(variant ?? 'secondary')} ${escape(size ?? 'md')}`,
    spinner + inside(node) + outside,
    off,
  );
};

const overlay = (node: Node): string => {
  const it = node.props.overlay as { childNodes: unknown[] } | undefined;
  return it ? tag('aside', 'overlay', inside(it)) : '';
};

const PIECES: Record<string, (node: Node) => string> = {
  Alert: (node) => titled('alert', node),
  Button: button,
  Checkbox: (node) =>
    tag(
      'label',
      'checkbox',
      `<input type="checkbox"${node.props.checked ? ' checked' : ''}><span>${inside(node)}<small>${escape(node.props.description ?? '')}</small></span>`,
    ),
  DescriptionList: (node) => tag('dl', '', inside(node)),
  DescriptionListItem: (node) => tag('dt', '', escape(node.props.label)) + tag('dd', '', inside(node)),
  EmptyState: (node) =>
    `<div class="empty"><div class="picture">${escape(node.props.imageName)}</div>${titled('', node)}</div>`,
  ErrorState: (node) => `<div class="empty"><div class="picture">error</div>${titled('', node)}</div>`,
  Flex: (node) => {
    const { direction, gap, wrap } = node.props;
    return tag(
      'div',
      `flex ${direction === 'column' ? 'column' : 'row'} gap-${escape(gap ?? 'flush')} ${wrap ? 'wrap' : ''}`,
      inside(node),
    );
  },
  Heading: (node) => tag('h3', '', inside(node)),
  Link: (node) => tag('a', '', `${inside(node)} ↗`, ' href="#"'),
  LoadingButton: button,
  LoadingSpinner: (node) => tag('div', 'spinner', `<i class="spin"></i> ${escape(node.props.label)}`),
  Modal: (node) =>
    tag('section', 'modal', tag('header', escape(node.props.variant), escape(node.props.title)) + inside(node)),
  ModalBody: (node) => tag('div', 'body', inside(node)),
  ModalFooter: (node) => tag('footer', 'flex row gap-small', inside(node)),
  StatusTag: (node) =>
    tag('span', `status ${escape(node.props.variant ?? 'default')} ${node.props.hollow ? 'hollow' : ''}`, inside(node)),
  Table: (node) => tag('table', '', inside(node)),
  TableBody: (node) => tag('tbody', '', inside(node)),
  TableCell: (node) => tag('td', '', inside(node)),
  TableHead: (node) => tag('thead', '', inside(node)),
  TableHeader: (node) => tag('th', '', inside(node)),
  TableRow: (node) => tag('tr', '', inside(node)),
  Text: (node) => tag('p', escape(node.props.variant ?? ''), inside(node)),
};

const draw = (node: Node): string => {
  const piece = PIECES[node.name];
  if (piece === undefined) {
    throw new Error(`the storyboard cannot draw ${node.name} yet`);
  }
  return piece(node);
};

export const toHtml = (root: RenderedRootNode): string => inside(root);

/** The first overlay in the tree, as it looks when it is open. */
export const overlayHtml = (root: RenderedRootNode): string => {
  const find = (node: { childNodes: unknown[] }): string => {
    for (const child of node.childNodes as Node[]) {
      const found = child.props ? overlay(child) || find(child) : '';
      if (found) {
        return found;
      }
    }
    return '';
  };
  return find(root);
};
