# Lists files of SQLite's tests: those of the permutation `veryquick`, or those whose names match.
set testdir [lindex $::argv 0]
set names [lrange $::argv 1 end]
# Any other name than that of the script, which would run them.
set ::argv0 $testdir/list
set ::argv {}
source $testdir/permutations.test
foreach file [lsort -unique [dict get $::testspec(veryquick) -files]] { lappend quick [file normalize [file join $testdir $file]] }
foreach file [lsort -unique $::alltests] { lappend all [file normalize [file join $testdir $file]] }
set found {}
foreach name $names {
  if {$name eq "veryquick"} {
    lappend found {*}$quick
  } else {
    foreach file $all { if {[string match $name [file rootname [file tail $file]]]} { lappend found $file } }
  }
}
foreach file [lsort -unique $found] { puts "file $file" }
exit 0
