import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { Server } from 'node:https'
import type { FastifyInstance } from 'fastify'
import type { Logger } from '../lib/logger.ts'

export interface TlsFiles {
  certFile: string
  keyFile: string
}

/** The mounted files of a Secret change by a link; polling their content's time works everywhere. */
const POLL_MS = 2_000

/** @throws Error when a file can not be read */
export function readTls({ certFile, keyFile }: TlsFiles): { cert: string; key: string } {
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
}

/** Takes a new certificate into use for new connections; a broken one is logged and the old one stays. Returns the way to stop. */
export function followTls(files: TlsFiles, apps: readonly FastifyInstance[], logger: Logger): () => void {
  const reload = () => {
    try {
      const tls = readTls(files)
      for (const app of apps)
        (app.server as unknown as Server).setSecureContext({ ...tls, minVersion: 'TLSv1.2' })
      logger.info({ certFile: files.certFile }, 'the certificate was read again')
    } catch (error) {
      logger.error(
        { err: error, certFile: files.certFile },
        'the new certificate can not be used; the old one stays',
      )
    }
  }
  const paths = [files.certFile, files.keyFile]
  for (const path of paths) watchFile(path, { interval: POLL_MS, persistent: false }, reload)
  return () => {
    for (const path of paths) unwatchFile(path, reload)
  }
}
