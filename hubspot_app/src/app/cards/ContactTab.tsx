import { hubspot } from '@hubspot/ui-extensions';

import { ContactCard } from './ContactCard';

hubspot.extend<'crm.record.tab'>(() => <ContactCard />);
