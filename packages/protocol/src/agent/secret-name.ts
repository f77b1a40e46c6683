/** Whether the name of a parameter suggests that its value is secret. */
export function isSecretName(name: string): boolean {
  return /pass|pwd|secret|token|key|credential|auth/i.test(name)
}
