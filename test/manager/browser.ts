/** A browser without scripts: follows redirects, keeps cookies, and submits the form of the page that it shows. */
export class Browser {
  /** The page that it shows. */
  html = ''
  #url = ''
  readonly #cookies = new Map<string, string>()

  open(url: string): Promise<void> {
    return this.#request(url)
  }

  /** Submits the form of the page with its hidden fields and these. */
  submit(fields: Readonly<Record<string, string>> = {}): Promise<void> {
    const form = /<form[^>]*action="([^"]+)"/.exec(this.html)
    if (form === null) throw new Error(`there is no form at ${this.#url}: ${this.html}`)
    const hidden = [...this.html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
    const body = new URLSearchParams()
    for (const [, name = '', value = ''] of hidden) body.set(name, value)
    for (const [name, value] of Object.entries(fields)) body.set(name, value)
    return this.#request(new URL(form[1] ?? '', this.#url).href, body)
  }

  async #request(url: string, body?: URLSearchParams): Promise<void> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(body === undefined ? {} : { method: 'POST', body }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (value === '') this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    this.#url = url
    this.html = await response.text()
    const location = response.headers.get('location')
    if (location !== null) await this.#request(new URL(location, url).href)
  }
}
