#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# config_test: configurations that are wrong in every way: exit code 2, file:line, what was expected; and those that are right.
. "${srcdir:-$(dirname "$0")/../..}/tests/cli/lib.sh"

# wrong PATTERN...: the text on standard input, as wrong.conf, is refused with lines like these, each with its file and line.
wrong() {
    cat >wrong.conf
    expect 2 "$UKERN" run wrong.conf
    for pattern; do
        says err "^wrong\.conf:$pattern"
    done
    lacks err 'Sanitizer|Assertion|core dumped'
}

# ---- files that are no configuration
expect 2 "$UKERN" run missing.conf
says err '^missing.conf: expected a configuration file: No such file'
mkdir folder && expect 2 "$UKERN" run folder
says err '^folder: .*directory'
mkfifo fifo && expect 2 "$UKERN" run fifo
says err '^fifo: .*FIFO'
expect 2 "$UKERN" run /dev/null
says err '^/dev/null: .*device'
: >empty.conf && expect 2 "$UKERN" run empty.conf
says err '^empty.conf: there is nothing to run'
head -c 5000 "$builddir/ukern" >binary.conf && expect 2 "$UKERN" run binary.conf
says err '^binary.conf:1: byte 0x7f is no text'
printf 'machine = { cpus = 1; };\0\n' >zero.conf && expect 2 "$UKERN" run zero.conf
says err '^zero.conf:1: there is a 0 byte'
head -c 1100000 /dev/zero | tr '\0' ' ' >large.conf && expect 2 "$UKERN" run large.conf
says err '^large.conf: .*at most 1048576 bytes'
if [ "$(id -u)" != 0 ]; then
    echo 'machine = {};' >closed.conf && chmod 0 closed.conf && expect 2 "$UKERN" run closed.conf
    says err '^closed.conf: .*Permission denied'
elif command -v setpriv >/dev/null; then
    echo 'machine = {};' >closed.conf && chmod 600 closed.conf
    expect 2 setpriv --reuid 65534 --regid 65534 --clear-groups "$UKERN" run closed.conf
    says err '^closed.conf: .*Permission denied'
fi

# ---- syntax
wrong '3: syntax error' <<'X'
machine = {
    cpus = 1
    ;; };
X
wrong '2: .*1 closing bracket' <<'X'
machine = {
X
wrong '1: a string must end in the line' <<'X'
machine = { name = "endless
X
wrong '2: the file ends inside a comment' <<'X'
machine = { };
/* endless
X
wrong "1: '@' is only for @include" <<'X'
machine = { }; @include "x"
X
wrong '1: groups and lists are nested deeper than 16' <<'X'
a = ((((((((((((((((((((((((1))))))))))))))))))))))));
X
wrong '1: "?128M is no number' <<'X'
machine = { ram = 128M; };
X
wrong '1: number 99999999999999999999 does not fit' <<'X'
machine = { seed = 99999999999999999999; };
X
wrong '1: number 0xfffffffffffffffff does not fit' <<'X'
machine = { seed = 0xfffffffffffffffff; };
X
wrong '1: 1.5: fractions' <<'X'
machine = { cpus = 1.5; };
X

# ---- includes
echo '@include "folder"' >include.conf && expect 2 "$UKERN" run include.conf
says err '^include.conf:1: @include: folder: .*directory'
echo '@include "nothing.conf"' >include.conf && expect 2 "$UKERN" run include.conf
says err '^include.conf:1: @include: nothing.conf: .*No such file'
echo '@include "include.conf"' >include.conf && expect 2 "$UKERN" run include.conf
says err '^include.conf:1: @include: include.conf: includes are nested deeper than 8'
printf '\n\nprocesses = ( { program = "hello"; cpu = 7; } );\n' >folder/part.conf
printf '# first\n@include "folder/part.conf"\nmachine = { cpus = 2;\n cpu = 3; };\n' >include.conf && expect 2 "$UKERN" run include.conf
says err '^folder/part.conf:3: process "hello": cpu: expected 0 to 1, got 7|^include.conf:4: machine.cpu: there is no such setting; did you mean cpus\?'
says err '^include.conf:4: machine.cpu: there is no such setting; did you mean cpus\?'
printf 'processes = ( { program = "hello"; args = [ "included" ]; } );\n' >folder/part.conf
printf '@include "folder/part.conf"\n' >include.conf && expect 0 "$UKERN" run include.conf
says out 'hello from task 0 on cpu0 included'

# ---- settings: all errors in one go
wrong '2: machine.cpus: expected a number from 1 to 256, got 0' \
    '3: machine.ram: expected a size such as "64M"' \
    '4: machine.engine: expected one of smp\|sim, got "sin"; did you mean' \
    '5: machine.max_tasks: expected a number from 1 to 65535, got -1' \
    '6: machine.memory\[0\].usabel: there is no such setting; did you mean usable\?' \
    '7: machine.memory\[1\].length: expected a multiple of 4096, got 12345; the next one is 16384' \
    '8: machine.cpu: there is no such setting; did you mean cpus\?' \
    '10: processes\[0\].stack: size "99999999999999999999G" does not fit into 64 bits' \
    '11: processes\[1\]: expected a group' \
    '12: processes\[2\]: needs the setting program' \
    '13: process "x": program: there is no built-in program "pin"; did you mean "ping"\?' \
    '14: vmz: there is no such setting; did you mean vms\?' \
    '16: vm "v": kernel: expected a file that can be read, folder: it is a directory' <<'X'
machine = {
    cpus = 0;
    ram = "64Q";
    engine = "sin";
    max_tasks = -1;
    memory = ( { start = 0; length = "1M"; usabel = false; },
               { start = 0x100000; length = 12345; } );
    cpu = 1;
};
processes = ( { name = "s"; program = "ping"; stack = "99999999999999999999G"; },
    5,
    { name = "x y"; },
    { name = "x"; program = "pin"; } );
vmz = 3;
vms = (
    { name = "v"; kernel = "folder"; } );
X
wrong '1: machine.max_containers: expected a number from 1 to 65535, got 0' \
    '2: machine.limits: expected one of own\|mcertikos, got "certikos"' \
    '3: machine.frames.policy: expected one of any\|lowest, got "lowst"; did you mean "lowest"' \
    '3: machine.frames.polisy: there is no such setting; did you mean policy\?' \
    '5: layers.all: expected one of impl\|both\|spec, got "bot"; did you mean "both"' \
    '5: layers.check_evry: there is no such setting; did you mean check_every\?' <<'X'
machine = { max_containers = 0;
    limits = "certikos";
    frames = { policy = "lowst"; polisy = "any"; };
};
layers = { all = "bot"; check_evry = 3; };
processes = ( { program = "hello"; } );
X
# ---- sizes
for ram in 0 -1 4096 12345678 '"0"' '"-64M"' '"65G"' '"99999999T"' '"64MB"' '"64 M M"' '""' true '"0x"'; do
    echo "machine = { ram = $ram; }; processes = ( { program = \"hello\"; } );" >wrong.conf
    expect 2 "$UKERN" run wrong.conf
    says err '^wrong.conf:1: machine.ram: (expected|size)'
done
for ram in '"64M"' '"64MiB"' '"65536K"' '"0x4000000"' 67108864 0x4000000 '"64 m"'; do
    echo "machine = { ram = $ram; }; processes = ( { program = \"hello\"; } );" >right.conf
    expect 0 "$UKERN" run --dump-config right.conf
    says out '^    ram = "64M";'
done

printf 'machine = { seed = 0x1ffffffffff; wall_time = 8589934592; }; processes = ( { program = "hello"; } );\n' >large_number.conf
expect 0 "$UKERN" run --dump-config large_number.conf
says out '^    seed = 2199023255551;'
says out '^    wall_time = 8589934592;'

# ---- what must hold between settings
wrong '2: machine.memory\[1\]: overlaps region 0 of line 1' \
    '3: machine.memory\[2\]: expected a region inside the memory' \
    '4: machine.memory\[3\]: expected a region inside the memory' <<'X'
machine = { memory = ( { start = 0; length = "1M"; usable = false; },
    { start = "512K"; length = "1M"; },
    { start = "63M"; length = "2M"; },
    { start = "64G"; length = "64G"; } ); };
processes = ( { program = "hello"; } );
X
wrong '1: machine.memory: no region is usable' <<'X'
machine = { memory = ( { start = 0; length = "1M"; usable = false; } ); }; processes = ( { program = "hello"; } );
X
wrong '1: process "hello": cpu: expected 0, got 1; machine.cpus is 1' \
    '2: process "hello": the name is taken in line 1' \
    '3: process "k": code: a task that is killed has no exit code' \
    '4: process "d": shared_data is for a module' \
    '5: f: "stdio" belongs to "e" already \(line 4\)' \
    '6: g: "file:same" belongs|6: h: "file:.*same" belongs to "g" already' <<'X'
processes = ( { program = "hello"; cpu = 1; },
    { program = "hello"; },
    { name = "k"; program = "wild"; expect = "killed"; code = 3; },
    { name = "d"; program = "hello"; shared_data = true; }, { name = "e"; program = "echo"; console = "stdio"; },
    { name = "f"; program = "echo"; console = "stdio"; },
    { name = "g"; program = "hello"; console = "file:same"; }, { name = "h"; program = "hello"; console = "file:same"; } );
X
echo data >kernel.bin && : >empty.bin
wrong '1: vm "a": ram: expected less than the machine.s usable memory' \
    '2: vm "b": kernel: expected a file that can be read, no.bin: No such file' \
    '3: vm "c": kernel: empty.bin is empty' \
    '4: vm "d": initrd: only a Linux kernel takes one' \
    '5: vm "e": kernel: /dev/zero: it is a device|5: vm "e": kernel: expected a file that can be read, /dev/zero: it is a device' <<'X'
vms = ( { name = "a"; kernel = "kernel.bin"; ram = "64M"; },
    { name = "b"; kernel = "no.bin"; ram = "1M"; },
    { name = "c"; kernel = "empty.bin"; ram = "1M"; },
    { name = "d"; kernel = "kernel.bin"; initrd = "kernel.bin"; format = "flat"; ram = "1M"; },
    { name = "e"; kernel = "/dev/zero"; ram = "1M"; } );
X
head -c 100000 /dev/zero >kernel.bin
wrong '1: vm "a": kernel: kernel.bin has 100000 bytes, its ram is 65536' <<'X'
vms = ( { name = "a"; kernel = "kernel.bin"; ram = "64K"; } );
X

# ---- the command line
echo 'processes = ( { name = "a"; program = "hello"; }, { program = "hello"; } );' >right.conf
for set in 'processes[1].args=x' machine.cpus=x machine.cpsu=1 foo.bar=1 processes.nobody.cpu=0 processes.a=1 machine=1 nonsense = =1 machine.memory=1 \
    machine.cpus=0 machine.cpus=99999999999999999999 processes[7].cpu=0 'processes[a' ........ ; do
    expect 2 "$UKERN" run --set "$set" right.conf
    says err '^set |expected'
done
expect 0 "$UKERN" run --dump-config --set machine.cpus=4 --set processes.a.cpu=3 -s 'processes[1].cpu=2' --engine sim --seed 9 right.conf
says out '^    cpus = 4;'
says out '^    cpu = 3;'
says out '^    engine = "sim";'
says out '^    seed = 9;'
for wrong_line in '' '--nosuch right.conf' 'right.conf right.conf' '--stats=xml right.conf' '--seccomp=maybe right.conf' '--engine=fast right.conf' \
    '--seed=x right.conf' '--trace=t right.conf'; do
    expect 2 "$UKERN" run $wrong_line
    says err .
done
expect 2 "$UKERN"
expect 2 "$UKERN" nosuch
expect 0 "$UKERN" --version
says out '^ukern [0-9.]+ (fast|check)'
expect 0 "$UKERN" --help
expect 0 "$UKERN" run --help

expect 0 "$UKERN" run --dump-config --layer all=impl --set machine.limits=mcertikos --set machine.frames.policy=lowest right.conf
says out '^    all = "impl";'
says out '^    limits = "mcertikos";'
says out '^        policy = "lowest";'
expect 2 "$UKERN" run --layer nosuch=both right.conf
says err '^set layers.nosuch=both: there is no such setting'
expect 2 "$UKERN" run --layer all right.conf
says err '^set layers.all: expected KEY=VALUE'

# ---- what is dumped reads back to the same
for conf in "$srcdir"/examples/tour.conf include.conf; do
    expect 0 "$UKERN" run --dump-config "$conf"
    cp out once.conf
    expect 0 "$UKERN" run --dump-config once.conf
    cmp -s out once.conf || fail "the dump of the dump of $conf differs"
done
printf 'processes = ( { program = "hello"; args = [ "quote \\" back \\\\ \\x41" ]; console = "file:out.txt"; } );\n' >quote.conf
expect 0 "$UKERN" run --dump-config quote.conf
says out 'args = \[ "quote \\" back \\\\ A" \];'
says out "console = \"file:$work/out.txt\";"

# ---- every setting is described
expect 0 "$UKERN" run --settings
for key in machine cpus ram engine seed memory processes program module vms kernel serial optional; do
    says out "^    $key "
done
printf 'processes = ( ' >many.conf
for i in $(seq 70); do printf '{ name = "t%d"; program = "hello"; console = "null"; }%s ' $i "$([ $i = 70 ] || echo ,)"; done >>many.conf
echo ');' >>many.conf
expect 2 "$UKERN" run many.conf
says err '^many.conf:1: t64: more than 64 consoles'

# ---- modules
module shared shared.c
module constant shared.c -DCONSTANT
echo 'processes = ( { program = "shared"; module = "shared.so"; } );' >module.conf
expect 2 "$UKERN" run module.conf
says err '^module.conf:1: process "shared": module: shared.so has writable data.*visit_counter \(4 bytes in .bss\)'
says err 'per_thread'
if ! instrumented; then
    strip -o stripped.so shared.so && sed s/shared.so/stripped.so/ module.conf >stripped.conf && expect 2 "$UKERN" run stripped.conf
    says err 'stripped.so has writable data.*unnamed data of a stripped file'
    sed 's/; }/; shared_data = true; }/' module.conf >allowed.conf && expect 0 "$UKERN" run allowed.conf
    says out '^shared: visit 1 of 1'
    sed s/shared.so/constant.so/ module.conf >constant.conf && expect 0 "$UKERN" run constant.conf
    says out '^shared: constant data'
    echo 'processes = ( { program = "nosuch"; module = "constant.so"; } );' >nosuch.conf && expect 2 "$UKERN" run nosuch.conf
    says err '^nosuch.conf:1: process "nosuch": constant.so: it has no function "nosuch"'
fi
echo 'processes = ( { program = "shared"; module = "kernel.bin"; } );' >no_module.conf
expect 2 "$UKERN" run no_module.conf
says err '^no_module.conf:1: .*no shared object'
head -c 3000 constant.so >cut.so && sed s/shared.so/cut.so/ module.conf >cut.conf && expect 2 "$UKERN" run cut.conf
says err '^cut.conf:1: .*cut.so'
finish
