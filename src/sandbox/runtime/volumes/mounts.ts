import { link, lstat, mkdir, realpath, rm, rmdir, stat, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { V1VolumeMount } from '@kubernetes/client-node'
import { ContainerConfigError } from '../env/config-error.ts'
import { expand } from '../env/expand.ts'
import type { ContainerSpec } from '../types.ts'

/** Removes an earlier instance's link, or an empty directory; what holds something is not ours to remove. */
async function clear(target: string): Promise<void> {
  const found = await lstat(target).catch(() => undefined)
  if (!found) return
  if (!found.isDirectory()) return rm(target)
  await rmdir(target).catch((error: NodeJS.ErrnoException) => {
    throw new ContainerConfigError(`can not mount over ${target}: ${error.code}`)
  })
}

async function mount(source: string, target: string, subPath: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  await clear(target)
  if (!subPath) {
    // relative, so that the pod's directory may be looked at from elsewhere
    await symlink(relative(dirname(target), source), target)
    return
  }
  const wanted = join(source, subPath)
  if (relative(source, wanted).startsWith('..')) {
    throw new ContainerConfigError(`failed to prepare subPath for volumeMount: ${JSON.stringify(subPath)}`)
  }
  // like a bind mount of what is there now: a file behind a subPath never follows its ConfigMap or Secret
  const existing = await realpath(wanted).catch(() => undefined)
  if (existing && (await stat(existing)).isFile()) {
    await link(existing, target)
    return
  }
  if (!existing) await mkdir(wanted, { recursive: true })
  await symlink(await realpath(wanted), target)
}

/**
 * Puts a container's volumes below its root directory, each at its `mountPath`: processes share the machine's file
 * system, so that `/etc/config` of a container is `$SANDBOX_ROOT/etc/config`, which is also where it starts.
 * @throws ContainerConfigError for a subPath that leaves its volume.
 */
export async function placeMounts(
  container: ContainerSpec,
  root: string,
  volumesDir: string,
  env: Record<string, string>,
): Promise<void> {
  await mkdir(root, { recursive: true })
  const mounts: V1VolumeMount[] = [...(container.volumeMounts ?? [])]
  mounts.sort((a, b) => a.mountPath.length - b.mountPath.length)
  for (const { name, mountPath, subPath, subPathExpr } of mounts) {
    const target = join(root, join('/', mountPath))
    if (target === root || target === `${root}/`) {
      throw new ContainerConfigError('the sandbox can not mount a volume at /')
    }
    const sub = subPathExpr ? expand(subPathExpr, (key) => env[key]) : (subPath ?? '')
    await mount(join(volumesDir, name), target.replace(/\/$/, ''), sub)
  }
}
