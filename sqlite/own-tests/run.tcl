# Runs one file of SQLite's tests, as `testfixture FILE` would, after what looks at files past Tcl was replaced by the same over Tcl.
if {[info exists ::env(ANYSTORAGE_TCL)] && $::env(ANYSTORAGE_TCL) eq "1"} {
  proc hexio_read {file offset count} {
    set channel [open $file rb]
    seek $channel $offset
    set bytes [read $channel $count]
    close $channel
    string toupper [binary encode hex $bytes]
  }
  proc hexio_write {file offset hex} {
    set channel [open $file r+b]
    seek $channel $offset
    set bytes [binary decode hex $hex]
    puts -nonewline $channel $bytes
    close $channel
    string length $bytes
  }
  proc md5file {file args} {
    set channel [open $file rb]
    if {[llength $args] > 0} { seek $channel [lindex $args 0] }
    if {[llength $args] > 1} { set bytes [read $channel [lindex $args 1]] } else { set bytes [read $channel] }
    close $channel
    md5 $bytes
  }
}
# As the permutation `veryquick` has it.
set ::G(isquick) 1
# Several processes cannot have one location: `do_multiclient_test` is done with several connections of this one only.
set ::G(valgrind) 1
set ::argv0 [lindex $::argv 0]
set ::argv [lrange $::argv 1 end]
set ::argc [llength $::argv]
source $::argv0
