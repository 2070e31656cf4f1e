# What the kubelet sets for the whole machine. Sourced after settings.sh.
# shellcheck shell=bash disable=SC2154

kernel_settings=(vm/overcommit_memory kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes)

# Writes down what the settings were, unless that is known from before an interrupted run.
kernel_settings_keep() {
    local boot name
    boot=$(</proc/sys/kernel/random/boot_id)
    [[ $(head -n 1 "$run/kernel-settings" 2>/dev/null) != "$boot" ]] || return 0
    {
        echo "$boot"
        for name in "${kernel_settings[@]}"; do
            [[ ! -r /proc/sys/$name ]] || echo "$name $(<"/proc/sys/$name")"
        done
    } >"$run/kernel-settings.new"
    mv "$run/kernel-settings.new" "$run/kernel-settings"
}

kernel_settings_restore() {
    local name value
    if [[ $(head -n 1 "$run/kernel-settings" 2>/dev/null) == "$(</proc/sys/kernel/random/boot_id)" ]]; then
        while read -r name value; do
            [[ $(<"/proc/sys/$name") == "$value" ]] || echo "$value" >"/proc/sys/$name" || say "could not set $name to $value"
        done < <(tail -n +2 "$run/kernel-settings")
    fi
    rm -f "$run/kernel-settings"
}
