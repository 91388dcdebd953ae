import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { readCredential, writePrivate } from '../credentials/credential-file.ts'
import { type FetchedToken, fetchToken } from '../credentials/fetch-token.ts'
import type { CliEnvironment } from '../environment.ts'

/** A token is fetched anew this long before it ends, so that a request under way does not lose it. */
const MARGIN_MS = 60_000

/** `isthmus token`: kubectl's exec credential plugin (KEP-541, client.authentication.k8s.io/v1). */
export function tokenCommand(program: Command, environment: CliEnvironment): void {
  program
    .command('token')
    .description('print a short token as an ExecCredential; kubectl calls this')
    .requiredOption('--credential <path>', 'file that isthmus kubeconfig wrote')
    .option('--raw', 'print the bare token')
    .action(async (options: { credential: string; raw?: boolean }) => {
      const credential = readCredential(options.credential)
      const cache = `${options.credential}.token`
      const cached = readCache(cache)
      const fresh = cached !== undefined && cached.expiresAtMs - MARGIN_MS > environment.now()
      const token = fresh ? cached : await fetchToken(credential, environment.now)
      if (!fresh) writePrivate(cache, token)
      environment.stdout.write(`${options.raw ? token.token : JSON.stringify(execCredential(token))}\n`)
    })
}

function execCredential(token: FetchedToken) {
  const expirationTimestamp = new Date(token.expiresAtMs - MARGIN_MS / 2).toISOString()
  return {
    kind: 'ExecCredential',
    apiVersion: 'client.authentication.k8s.io/v1',
    spec: { interactive: false },
    status: { token: token.token, expirationTimestamp },
  }
}

/** A missing or damaged cache is no cache: the token is fetched. */
function readCache(path: string): FetchedToken | undefined {
  try {
    const parsed = JSON.parse(readFileSync(path, 'utf8')) as Partial<FetchedToken>
    if (typeof parsed.token === 'string' && typeof parsed.expiresAtMs === 'number')
      return parsed as FetchedToken
    return undefined
  } catch {
    return undefined
  }
}
