import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import type { Binaries } from './build.ts'
import { requireCommand } from './requirements.ts'
import { type TarEntry, writeTar } from './tar.ts'

export const PAUSE_IMAGE = 'isthmus.dev/test/pause:1'

/** What pods of the suites may name; use `imagePullPolicy: IfNotPresent` or `Never`: there is no registry. */
export const BUSYBOX_IMAGE = 'busybox:1'
/** The same programs under another image id, for a rolling update. `/etc/release` differs: 1 and 2. */
export const BUSYBOX_NEXT_IMAGE = 'busybox:1.36'
/** `test/kubernetes/go/images/web`: an HTTP server on $PORT (8080) as user 1000. */
export const WEB_IMAGE = 'isthmus.dev/test/web:1'

export interface ImageOptions {
  /** Full name with registry and tag: containerd knows no short ones. */
  name: string
  root: TarEntry[]
  command: string[]
  entrypoint?: string[]
  env?: string[]
  user?: string
}

/** A `docker save` archive written by hand: one layer, a config, a manifest. What `ctr image import` takes. */
export function imageArchive(options: ImageOptions): Buffer {
  const layer = writeTar(options.root)
  const config = JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {
      Cmd: options.command,
      ...(options.entrypoint ? { Entrypoint: options.entrypoint } : {}),
      Env: options.env ?? ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      User: options.user ?? '',
      WorkingDir: '/',
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created_by: 'test/kubernetes/harness/images.ts' }],
  })
  const configName = `${sha256(config)}.json`
  const manifest = [{ Config: configName, RepoTags: [options.name], Layers: ['layer.tar'] }]
  return writeTar([
    { path: 'layer.tar', type: 'file', content: layer },
    { path: configName, type: 'file', content: Buffer.from(config) },
    { path: 'manifest.json', type: 'file', content: Buffer.from(JSON.stringify(manifest)) },
  ])
}

/** The archives that every node gets. */
export function testImages(binaries: Binaries): { name: string; archive: Buffer }[] {
  const busybox = (name: string, release: string): ImageOptions => ({
    name: `docker.io/library/${name}`,
    root: busyboxRoot(release),
    command: ['sh'],
  })
  const images: ImageOptions[] = [
    { name: PAUSE_IMAGE, root: program('pause', binaries.pause), command: ['/pause'] },
    busybox(BUSYBOX_IMAGE, '1'),
    busybox(BUSYBOX_NEXT_IMAGE, '2'),
    { name: WEB_IMAGE, root: program('web', binaries.web), command: ['/web'], user: '1000' },
  ]
  return images.map((image) => ({ name: image.name, archive: imageArchive(image) }))
}

/** A program of this machine in an image. */
export function program(name: string, file: string): TarEntry[] {
  return [{ path: name, type: 'file', content: readFileSync(file), mode: 0o755 }]
}

/** A root with busybox and a link per applet. */
export function busyboxRoot(release: string): TarEntry[] {
  const busybox = realpathSync(requireCommand('busybox'))
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  const folders = ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'usr', 'usr/bin', 'var', 'var/run']
  return [
    ...folders.map((path) => ({ path, type: 'directory' }) as const),
    { path: 'tmp', type: 'directory', mode: 0o1777 },
    { path: 'bin/busybox', type: 'file', content: readFileSync(busybox), mode: 0o755 },
    ...applets
      .filter((name) => name !== 'busybox')
      .map((name) => ({ path: `bin/${name}`, type: 'link', target: 'busybox' }) as const),
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n'),
    text('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    text('etc/release', `${release}\n`),
  ]
}

export function text(path: string, content: string): TarEntry {
  return { path, type: 'file', content: Buffer.from(content) }
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
