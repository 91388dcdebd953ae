import { spawn } from 'node:child_process'

/**
 * Kills process groups when this process is gone, however it went: SIGKILL included.
 */
export interface Reaper {
  /** From now on the group is killed with us. */
  add(group: number): void
  /** The group has ended. */
  remove(group: number): void
  /** Kills what is left, and resolves when that is done. */
  close(): Promise<void>
}

/**
 * A shell that reads group ids from a pipe and kills them when the pipe ends. There is no better way that works
 * wherever Node does: PR_SET_PDEATHSIG is Linux' alone and reaches one process, not its group. It is in a session of
 * its own, so that Ctrl-C in a terminal does not end it first.
 */
const SCRIPT = `trap '' HUP INT TERM
all=' '
while read -r op group; do
  case $op in
    +) all="$all$group " ;;
    -) before=\${all%%" $group "*}; [ "$before" = "$all" ] || all="$before \${all#*" $group "}" ;;
  esac
done
for group in $all; do kill -KILL "-$group" 2>/dev/null; done
exit 0`

export function startReaper(): Reaper {
  const shell = spawn('/bin/sh', ['-c', SCRIPT], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    env: {},
  })
  const ended = new Promise<void>((resolve) => {
    shell.once('exit', () => resolve())
    shell.once('error', () => resolve())
  })
  // EPIPE when somebody killed the shell: pods still run, they are only no longer sure to end with us
  shell.stdin.on('error', () => {})
  shell.unref()
  return {
    add: (group) => void shell.stdin.write(`+ ${group}\n`),
    remove: (group) => void shell.stdin.write(`- ${group}\n`),
    async close() {
      shell.ref()
      shell.stdin.end()
      await ended
    },
  }
}
