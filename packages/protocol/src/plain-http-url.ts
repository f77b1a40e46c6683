import { z } from 'zod'

/** An http or https URL without user, query or fragment: credentials have fields of their own, which are kept secret. */
export const plainHttpUrl = z
  .url({ protocol: /^https?$/ })
  .max(2000)
  .regex(/^[^@?#]*$/, 'must be a URL without user, query or fragment')
