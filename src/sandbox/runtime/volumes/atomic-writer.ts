import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Files by relative path. */
export type Payload = Map<string, { data: Buffer; mode: number }>

const DATA = '..data'
const DATA_TMP = '..data_tmp'

async function isCurrent(dir: string, payload: Payload): Promise<boolean> {
  const files = await readdir(join(dir, DATA), { recursive: true, withFileTypes: true }).catch(
    () => undefined,
  )
  const count = files?.filter((entry) => entry.isFile()).length
  if (count !== payload.size) return false
  for (const [path, { data }] of payload) {
    const found = await readFile(join(dir, DATA, path)).catch(() => undefined)
    if (!found?.equals(data)) return false
  }
  return true
}

/**
 * Writes a volume's files so that a reader sees all of the old or all of the new ones (kubelet's AtomicWriter):
 * a new directory, then the link `..data` is renamed over the old one; each visible name is a link to `..data/<name>`.
 * Does nothing, and returns false, when that is what is there.
 */
export async function writeAtomically(dir: string, payload: Payload, now: number): Promise<boolean> {
  await mkdir(dir, { recursive: true })
  if (await isCurrent(dir, payload)) return false
  const before = await readlink(join(dir, DATA)).catch(() => undefined)
  const stamp = new Date(now).toISOString().slice(0, 19).replace(/[-T:]/g, '_')
  const name = `..${stamp}.${randomBytes(5).readUIntBE(0, 5)}`
  await mkdir(join(dir, name))
  for (const [path, { data, mode }] of payload) {
    const file = join(dir, name, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, data)
    await chmod(file, mode)
  }
  await rm(join(dir, DATA_TMP), { force: true })
  await symlink(name, join(dir, DATA_TMP))
  await rename(join(dir, DATA_TMP), join(dir, DATA))

  const visible = new Set([...payload.keys()].map((path) => path.split('/')[0]!))
  const present = (await readdir(dir)).filter((entry) => !entry.startsWith('..'))
  for (const entry of present) {
    if (!visible.has(entry)) await rm(join(dir, entry), { recursive: true, force: true })
  }
  for (const entry of visible) {
    if (!present.includes(entry)) await symlink(join(DATA, entry), join(dir, entry))
  }
  if (before && before !== name) await rm(join(dir, before), { recursive: true, force: true })
  return true
}
