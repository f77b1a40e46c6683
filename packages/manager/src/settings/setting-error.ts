/** A setting cannot be used. The message is one sentence that names it, and never its value. */
export class SettingError extends Error {
  override readonly name = 'SettingError'
}
