# Daemons in the background, each known by a file with its pid and its start time: a pid alone may be somebody else's by
# now. Sourced after settings.sh.
# shellcheck shell=bash disable=SC2154

# When a process started, in clock ticks since this boot; fails if there is none, or only its zombie.
started_at() { # PID
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # The name of the program, which may hold anything, ends with the last parenthesis.
    read -ra stat <<<"${stat##*) }"
    [[ ${stat[0]} != [ZX] ]] && echo "${stat[19]}"
}

# The pid of a daemon that runs.
pid_of() { # NAME
    local pid start boot
    read -r pid start boot 2>/dev/null <"$run/$1.pid" || return 1
    [[ $pid =~ ^[0-9]+$ && $boot == "$(</proc/sys/kernel/random/boot_id)" ]] || return 1
    [[ $(started_at "$pid") == "$start" ]] && echo "$pid"
}

# Writes the file about a process that runs already.
remember() { # NAME PID
    local start
    start=$(started_at "$2") || fail "there is no process $2"
    echo "$2 $start $(</proc/sys/kernel/random/boot_id)" >"$run/$1.pid"
}

is_running() { pid_of "$1" >/dev/null; }

# Starts a daemon that does not run yet, with an environment of its own and no files of ours. It writes the file about itself
# before it becomes the daemon, so that there is no moment in which it runs unknown.
start() { # NAME COMMAND...
    local name=$1 answer
    shift
    ! is_running "$name" || return 0
    [[ ! -e $logs/$name.log ]] || mv "$logs/$name.log" "$logs/$name.log.previous"
    # shellcheck disable=SC2016 # expanded by the shell that becomes the daemon
    read -r answer < <(
        cd /
        exec setsid env -i PATH="$PATH" HOME="$cluster" bash -euc '
            read -ra stat <"/proc/$$/stat"
            echo "$$ ${stat[21]} $(</proc/sys/kernel/random/boot_id)" >"$1.new"
            mv "$1.new" "$1"
            echo started
            exec >>"$2" 2>&1 <"/dev/null"
            for file in "/proc/$$/fd/"*; do
                ((${file##*/} <= 2)) || eval "exec ${file##*/}>&-"
            done
            shift 2
            exec "$@"' start "$run/$name.pid" "$logs/$name.log" "$@"
    ) || true
    [[ ${answer-} == started ]] || fail "$name could not be started: cannot write into $run"
}

# Ends a daemon: asks it, and insists after some seconds.
stop() { # NAME [SECONDS]
    local name=$1 pid end=$((SECONDS + ${2:-5})) signal=TERM
    while pid=$(pid_of "$name"); do
        if [[ -n $signal ]]; then kill -s "$signal" "$pid" 2>/dev/null || true; fi
        signal=
        ((SECONDS <= end)) || signal=KILL
        sleep 0.05
    done
    rm -f "$run/$name.pid"
}

# Waits for something that a daemon makes true. Fails, with the end of its log, when the daemon is gone or it takes too long.
wait_for() { # NAME SECONDS WHAT COMMAND...
    local name=$1 seconds=$2 what=$3 end=$((SECONDS + $2))
    shift 3
    while ! "$@" >/dev/null 2>&1; do
        if ! is_running "$name"; then
            tail -n 20 "$logs/$name.log" >&2 || true
            fail "$name has ended, but $what was awaited. Its log is $logs/$name.log"
        fi
        if ((SECONDS > end)); then
            tail -n 20 "$logs/$name.log" >&2 || true
            fail "$what was not there after $seconds s. The log of $name is $logs/$name.log"
        fi
        sleep 0.1
    done
}
