import type { Caller } from '../access/caller.ts'
import type { Context } from '../context/context.ts'
import { readFilterKey } from '../secrets/filter-key.ts'
import { isPassword, mayBePassword } from './passwords.ts'
import { accountCaller, findAccount } from './service.ts'

/** How many slow hashes run at the same time: they would keep the threads of the process from everything else. */
const MAX_HASHES = 2

/** Authenticates brokers by name and password. */
export class BrokerAuthentication {
  readonly #context: Pick<Context, 'database' | 'sealer'>
  #filterKey: Promise<Buffer> | undefined
  #hashing = 0
  readonly #waiting: (() => void)[] = []

  constructor(context: Pick<Context, 'database' | 'sealer'>) {
    this.#context = context
  }

  /** The broker behind HTTP Basic credentials, if they are valid. Takes as long for a name that does not exist. */
  async identify(name: string, password: string): Promise<Caller | undefined> {
    const account = await findAccount(this.#context, name)
    const stored = account?.passwordHash
    if (!mayBePassword(name, password, stored, await this.#readFilterKey())) return undefined
    const isValid = await this.#inTurn(() => isPassword(password, stored))
    return isValid && account !== undefined ? accountCaller(account) : undefined
  }

  /** Read once; again if that fails. */
  #readFilterKey(): Promise<Buffer> {
    this.#filterKey ??= readFilterKey(this.#context).catch((error: unknown) => {
      this.#filterKey = undefined
      throw error
    })
    return this.#filterKey
  }

  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    while (this.#hashing >= MAX_HASHES) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#hashing++
    try {
      return await act()
    } finally {
      this.#hashing--
      this.#waiting.shift()?.()
    }
  }
}
