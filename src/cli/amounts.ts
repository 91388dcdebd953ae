import { IsthmusError } from '../protocol/errors/index.ts'

/** Parses `requests.cpu=8`, also several with commas; meant for commander's repeated options. @throws IsthmusError bad_request */
export function collectAmounts(text: string, previous: Record<string, string> = {}): Record<string, string> {
  const amounts = { ...previous }
  for (const part of text.split(',')) {
    const at = part.indexOf('=')
    if (at < 1 || at === part.length - 1) {
      throw new IsthmusError('bad_request', `${part}: must read resource=quantity, such as requests.cpu=8`)
    }
    amounts[part.slice(0, at)] = part.slice(at + 1)
  }
  return amounts
}
