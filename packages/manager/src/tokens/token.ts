import type { Grants } from '../access/caller.ts'
import type { Permission, Role } from '../shared/role.ts'

/** A token as it is stored: everything but the token itself. */
export interface Token {
  id: string
  name: string
  role: Role
  permissions: readonly Permission[]
  grants: Grants
  createdAt: Date
  expiresAt: Date | undefined
  lastUsedAt: Date | undefined
}

/** What a new token is created with. */
export type NewToken = Pick<Token, 'name' | 'role' | 'permissions' | 'grants' | 'expiresAt'>
