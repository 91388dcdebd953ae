/**
 * `npm run build`: src as JavaScript in dist, for the package; a checkout runs src itself. Generated JSON that is
 * read at run time instead of being imported is no module of the compiler's, and is copied.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const [src, dist] = [join(root, 'src'), join(root, 'dist')]
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc')

rmSync(dist, { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)

for (const file of readdirSync(src, { recursive: true, encoding: 'utf8' })) {
  const target = join(dist, file)
  if (!file.endsWith('.generated.json') || existsSync(target)) continue
  mkdirSync(dirname(target), { recursive: true })
  cpSync(join(src, file), target)
}
