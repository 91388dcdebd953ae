import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where cgroup hierarchies are mounted: one on v2, one per controller on v1, both on a hybrid. */
function hierarchies(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '')
    .filter(Boolean)
}

/**
 * Makes the cgroup that a kubelet is told to be its root: with one of its own, several nodes can run on one
 * machine and everything that pods made can be found again. The kubelet wants it to exist beforehand.
 */
export function createCgroups(name: string): void {
  for (const hierarchy of hierarchies()) {
    const folder = join(hierarchy, name)
    mkdirSync(folder, { recursive: true })
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      // cgroups v1: empty in a new one, and then no process may enter
      if (existsSync(join(hierarchy, file)) && existsSync(join(folder, file))) {
        writeFileSync(join(folder, file), readFileSync(join(hierarchy, file)))
      }
    }
  }
}

/** Removes it again, children first. Their processes must be dead; one that is just dying is waited for by the caller's retry. */
export function removeCgroups(name: string): void {
  for (const hierarchy of hierarchies()) {
    const folder = join(hierarchy, name)
    if (existsSync(folder)) removeTree(folder)
  }
}

function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(folder, entry.name))
  }
  rmdirSync(folder)
}
