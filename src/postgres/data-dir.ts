import { createHash } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Logger } from '../lib/logger.ts'
import type { ServerUser } from './binaries.ts'

/** Survives a restart of the machine, unlike /tmp. */
const FALLBACK = '/var/tmp'

/**
 * Makes the data directory for the user that will own it, and returns where it is. Root becomes `nobody`, who must be
 * able to enter every folder above: those made here are open for that (0711); where one that was there is not, the
 * rows lie in a folder of their own under /var/tmp instead, which is said.
 */
export function prepareDataDir(wanted: string, user: ServerUser, logger: Logger): string {
  const { uid, gid } = user
  if (uid === undefined || gid === undefined) {
    mkdirSync(wanted, { recursive: true, mode: 0o700 })
    return wanted
  }
  let dataDir = wanted
  if (!canBeEntered(path.dirname(wanted))) {
    dataDir = path.join(FALLBACK, `isthmus-${createHash('sha256').update(wanted).digest('hex').slice(0, 16)}`)
    logger.warn({ wanted, dataDir }, 'user nobody may not enter the data directory: the rows lie elsewhere')
  }
  mkdirSync(path.dirname(dataDir), { recursive: true, mode: 0o711 })
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  chownSync(dataDir, uid, gid)
  return dataDir
}

/** Whether everyone may pass through each folder that is there. */
function canBeEntered(folder: string): boolean {
  for (let at = folder; ; at = path.dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false
    if (at === path.dirname(at)) return true
  }
}
