/** What a push would create in Cliniko, from the contact's own properties. Shown before the button is pressed. */

/** Read through HubSpot with the rights of whoever looks; it never leaves their browser. */
export const PROPERTIES = [
  'firstname',
  'lastname',
  'email',
  'mobilephone',
  'phone',
  'address',
  'city',
  'state',
  'zip',
  'country',
] as const;
/** Asked for apart, because an account may lack them. */
export const BIRTH_PROPERTIES = ['cliniko_date_of_birth', 'date_of_birth'] as const;

export type Properties = Record<string, string | null | undefined>;

export interface Preview {
  /** What is sent, in the order a person reads it. The birth date is named, not shown. */
  parts: string[];
  /** Cliniko takes no patient without these. */
  missing: string[];
  /** What else a clinic usually wants to have. */
  absent: string[];
}

export const fullName = (properties: Properties): string | null =>
  [value(properties, 'firstname'), value(properties, 'lastname')].filter(Boolean).join(' ') || null;

export const preview = (properties: Properties, births: Properties): Preview => {
  const read = (name: string) => value(properties, name);
  const address = ['address', 'city', 'state', 'zip', 'country'].map(read).filter(Boolean).join(' ');
  const birth = BIRTH_PROPERTIES.some((name) => value(births, name) !== '');
  const optional: [string, string][] = [
    ['email', read('email')],
    ['mobile phone', read('mobilephone')],
    ['home phone', read('phone')],
    ['address', address],
    ['birth date', birth ? 'birth date' : ''],
  ];
  const required: [string, string][] = [
    ['first name', read('firstname')],
    ['last name', read('lastname')],
  ];
  const given = [fullName(properties) ?? '', ...optional.map(([, found]) => found)];
  return {
    parts: given.filter((part) => part !== ''),
    missing: required.filter(([, found]) => found === '').map(([label]) => label),
    absent: optional.filter(([, found]) => found === '').map(([label]) => label),
  };
};

const value = (properties: Properties, name: string): string => (properties[name] ?? '').trim();
