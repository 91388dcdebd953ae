import { execFileSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { busyboxRoot, type ImageOptions, imageArchive, program, text } from '../kubernetes/harness/images.ts'
import { requireCommand } from '../kubernetes/harness/requirements.ts'
import type { TarEntry } from '../kubernetes/harness/tar.ts'
import type { SuiteBinaries } from './build.ts'

const REGISTRY = 'registry.k8s.io'
const TESTS = `${REGISTRY}/e2e-test-images`

/**
 * The images that the suite's node tests name, made from this machine's busybox and shell and from upstream's
 * own programs: there is no registry to pull them from. `nginx` is a web server on port 80 of another make.
 */
export function suiteImages(
  binaries: SuiteBinaries & { pause: string },
): { name: string; archive: Buffer }[] {
  const shell = withShell(busyboxRoot('1'))
  const agnhost: Omit<ImageOptions, 'name'> = {
    root: agnhostRoot(shell, binaries),
    entrypoint: ['/agnhost'],
    command: ['pause'],
  }
  const images: ImageOptions[] = [
    { name: `${TESTS}/agnhost:2.63.0`, ...agnhost },
    { name: `${TESTS}/agnhost:2.55`, ...agnhost },
    { name: `${TESTS}/nginx:1.15-4`, root: agnhost.root, command: ['/agnhost', 'test-webserver'] },
    { name: `${TESTS}/busybox:1.37.0-1`, root: shell, command: ['sh'] },
    { name: `${TESTS}/nonroot:1.5`, root: shell, command: ['sh'], user: '1234' },
    { name: `${TESTS}/nonewprivs:1.4`, root: nonewprivsRoot(shell, binaries), command: ['nnp'] },
    { name: `${REGISTRY}/pause:3.10.2`, root: program('pause', binaries.pause), command: ['/pause'] },
  ]
  return images.map((image) => ({ name: image.name, archive: imageArchive(image) }))
}

/**
 * busybox, with bash in front of its shell on the PATH: Debian's busybox drops environment variables whose names
 * have dashes or dots. `/bin/sh` stays busybox's own: one test expects the words of its error message.
 */
function withShell(root: TarEntry[]): TarEntry[] {
  const link = { path: 'usr/local/bin/sh', type: 'link', target: 'bash' } as const
  return [...root, ...dynamicProgram('usr/local/bin/bash', 'bash'), link]
}

/** A program of this machine with its loader and libraries, each where it is looked for. */
function dynamicProgram(path: string, command: string): TarEntry[] {
  const file = realpathSync(requireCommand(command))
  const libraries = execFileSync('ldd', [file], { encoding: 'utf8' }).match(/\/\S+/g) ?? []
  return [
    { path, type: 'file', content: readFileSync(file), mode: 0o755 },
    ...libraries.map(
      (library) =>
        ({ path: library.slice(1), type: 'file', content: readFileSync(library), mode: 0o755 }) as const,
    ),
  ]
}

function agnhostRoot(shell: TarEntry[], binaries: SuiteBinaries): TarEntry[] {
  return [
    ...shell.filter(({ path }) => path !== 'etc/passwd' && path !== 'etc/group'),
    text(
      'etc/passwd',
      'root:x:0:0:root:/root:/bin/sh\nuser-defined-in-image:x:1000:1000::/home:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n',
    ),
    text(
      'etc/group',
      'root:x:0:\nuser-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n',
    ),
    { path: 'uploads', type: 'directory', mode: 0o777 },
    ...program('agnhost', binaries.agnhost),
    { path: 'agnhost-2', type: 'link', target: 'agnhost' },
    ...program('usr/bin/curl', binaries.curl),
  ]
}

function nonewprivsRoot(shell: TarEntry[], binaries: SuiteBinaries): TarEntry[] {
  const content = readFileSync(binaries.nnp)
  return [...shell, { path: 'usr/bin/nnp', type: 'file', content, mode: 0o6755 }]
}
