import { readFile } from 'node:fs/promises'
import type { Logger } from '../../lib/logger.ts'

/** How often the files are looked at: a Secret volume changes by a link, which file watches miss. */
const LOOK_MS = 30_000

/** Hands over the serving certificate again whenever its files change. Returns the way to stop. */
export function followCertificate(
  files: { kubeletCert?: string; kubeletKey?: string },
  use: (cert: string, key: string) => void,
  logger: Logger,
): () => void {
  const { kubeletCert, kubeletKey } = files
  if (kubeletCert === undefined || kubeletKey === undefined) return () => {}
  let last: string | undefined
  const look = async () => {
    const [cert, key] = await Promise.all([readFile(kubeletCert, 'utf8'), readFile(kubeletKey, 'utf8')])
    if (last !== undefined && last !== cert) {
      use(cert, key)
      logger.info({ path: kubeletCert }, 'the serving certificate was changed')
    }
    last = cert
  }
  const timer = setInterval(() => {
    look().catch((error) =>
      logger.warn({ err: error, path: kubeletCert }, 'the serving certificate can not be read'),
    )
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}
