// What HubSpot accepts in each component's config, as far as its documentation says. HubSpot's own schemas need an
// account; once one is there, save them and load them here instead.
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/app-configuration
const text = (maxLength = 8192) => ({ type: 'string', minLength: 1, maxLength });
const listOf = (items, minItems = 0) => ({ type: 'array', minItems, uniqueItems: true, items });
const strict = (required, properties) => ({ type: 'object', additionalProperties: false, required, properties });

const https = { type: 'string', pattern: '^https://[^/\\s$]+(/[^\\s$]*)?$' };
const redirect = { type: 'string', pattern: '^(https://[^/\\s$]+|http://localhost(:\\d+)?)/[^\\s$]*$' };
const scope = { type: 'string', pattern: '^[a-z0-9._-]+$' };

const APPLICATION = strict(['name', 'description', 'distribution', 'auth', 'permittedUrls'], {
  name: { ...text(200), pattern: '^\\S(.*\\S)?$' },
  description: text(),
  logo: { type: 'string', pattern: '^/app/.+\\.(png|jpe?g|svg)$' },
  distribution: { const: 'marketplace' },
  auth: strict(['type', 'redirectUrls', 'requiredScopes'], {
    type: { const: 'oauth' },
    redirectUrls: listOf(redirect, 1),
    requiredScopes: listOf(scope, 1),
    optionalScopes: listOf(scope),
    conditionallyRequiredScopes: listOf(scope),
  }),
  permittedUrls: strict(['fetch'], { fetch: listOf(https, 1), iframe: listOf(https), img: listOf(https) }),
  support: strict([], {
    supportEmail: { type: 'string', pattern: '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$' },
    documentationUrl: https,
    supportUrl: https,
    supportPhone: { type: 'string', pattern: '^\\+[0-9]{7,15}$' },
  }),
});

const CARD = strict(['name', 'location', 'entrypoint', 'objectTypes'], {
  name: text(200),
  description: text(),
  location: { enum: ['crm.record.tab', 'crm.record.sidebar', 'crm.preview', 'helpdesk.sidebar'] },
  entrypoint: { type: 'string', pattern: '^/app/cards/[^/]+\\.tsx$' },
  objectTypes: listOf({ enum: ['contacts', 'companies', 'deals', 'tickets'] }, 1),
  previewImage: strict(['file', 'altText'], {
    file: { type: 'string', pattern: '^\\./[^/]+\\.(png|jpe?g|gif)$' },
    altText: text(500),
  }),
});

const SETTINGS = strict(['entrypoint'], { entrypoint: { type: 'string', pattern: '^/app/settings/[^/]+\\.tsx$' } });

const generic = (type, more = {}, required = []) =>
  strict(['subscriptionType', 'objectType', 'active', ...required], {
    subscriptionType: { const: type },
    objectType: { enum: ['contact', 'company', 'deal', 'ticket'] },
    active: { type: 'boolean' },
    ...more,
  });

const WEBHOOKS = strict(['settings', 'subscriptions'], {
  settings: strict(['targetUrl', 'maxConcurrentRequests'], {
    targetUrl: https,
    maxConcurrentRequests: { type: 'integer', minimum: 6, maximum: 100 },
  }),
  subscriptions: strict(['crmObjects'], {
    crmObjects: listOf({
      oneOf: [
        generic('object.propertyChange', { propertyName: { type: 'string', pattern: '^[a-z][a-z0-9_]*$' } }, [
          'propertyName',
        ]),
        generic('object.creation'),
        generic('object.deletion'),
        generic('object.merge'),
        generic('object.restore'),
      ],
    }),
    legacyCrmObjects: listOf({ type: 'object' }),
    hubEvents: listOf(
      strict(['subscriptionType', 'active'], {
        subscriptionType: { enum: ['contact.privacyDeletion'] },
        active: { type: 'boolean' },
      }),
    ),
  }),
});

export const OURS = { APPLICATION, CARD, SETTINGS, WEBHOOKS };
