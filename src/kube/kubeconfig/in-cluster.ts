import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { IsthmusError } from '../../protocol/errors/index.ts'
import type { KubeTarget } from '../client/types.ts'
import { checkCertificates } from './pem.ts'

const MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
/** Bound tokens are renewed at 80 % of an hour or more; client-go reads the file every minute. */
const REREAD_MS = 60_000

/** A token from a file, read again each minute; the last one is kept while the file can not be read. */
export function tokenFromFile(path: string, clock: Clock): () => Promise<string> {
  let token: string | undefined
  let readAt = 0
  return async () => {
    if (token !== undefined && clock.elapsed() - readAt < REREAD_MS) return token
    try {
      const text = (await readFile(path, 'utf8')).trim()
      if (text === '') throw new Error('the file is empty')
      token = text
      readAt = clock.elapsed()
    } catch (error) {
      if (token === undefined)
        throw new IsthmusError('invalid', `the token in ${path} can not be read`, { cause: error })
    }
    return token
  }
}

/** The API server as a pod sees it, or undefined where no ServiceAccount is mounted. */
export async function inClusterTarget(options: {
  env: Readonly<Record<string, string | undefined>>
  clock: Clock
  serviceAccountDirectory?: string
}): Promise<{ target: KubeTarget; namespace?: string } | undefined> {
  const host = options.env['KUBERNETES_SERVICE_HOST']
  // As client-go: the named port's variable is not looked at, so that overriding these two is enough.
  const port = options.env['KUBERNETES_SERVICE_PORT'] ?? '443'
  if (!host) return undefined
  const directory = options.serviceAccountDirectory ?? MOUNT
  const token = tokenFromFile(join(directory, 'token'), options.clock)
  try {
    await token()
  } catch {
    return undefined // no ServiceAccount is mounted, so this is not the way
  }
  const caPath = join(directory, 'ca.crt')
  const ca = checkCertificates(await readFile(caPath, 'utf8'), caPath)
  const namespace = await readFile(join(directory, 'namespace'), 'utf8').then(
    (text) => text.trim() || undefined,
    () => undefined, // older mounts have none
  )
  return {
    target: { server: `https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`, ca, token },
    namespace,
  }
}
