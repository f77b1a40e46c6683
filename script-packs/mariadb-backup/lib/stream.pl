# Passes an mbstream from standard input to standard output if it can do no harm: only names of a data directory, and the trailer last.
# mbstream itself writes wherever a name says, and takes a stream that was cut off between two chunks for a whole one.
use strict;
use warnings;

my ($trailer) = @ARGV;
my ($last, $is_ended, $chunks) = ('', 0, 0);
binmode STDIN;
binmode STDOUT;

sub get {
    my ($length, $may_end) = @_;
    my $bytes = '';
    while (length $bytes < $length) {
        my $read = read STDIN, $bytes, $length - length $bytes, length $bytes;
        defined $read or die "the dump cannot be read: $!\n";
        next if $read;
        return if $may_end && $bytes eq '';
        die "the dump is not whole: it ends in the middle of a chunk\n";
    }
    return $bytes;
}

sub put {
    my ($bytes) = @_;
    print STDOUT $bytes or die "mbstream does not read any more: $!\n";
}

while (defined(my $head = get(14, 1))) {
    my ($magic, $flags, $type, $length) = unpack 'a8 C a V', $head;
    $magic eq 'XBSTCK01' or die "this is not the output of mariadb-backup --stream=mbstream\n";
    $length > 0 && $length <= 512 or die "a name in the dump has $length bytes\n";
    my $name = get($length);
    # A file of the server, or one in the directory of a database: names of tables are encoded, so that neither holds a slash.
    $name =~ m{\A(?:\./)?(?:[^/\0-\x1f\x7f]+/)?[^/\0-\x1f\x7f]+\z} && $name !~ m{(?:\A|/)\.\.(?:/|\z)}
        or die "the dump has a file that is none of a data directory: " . quotemeta($name) . "\n";
    $name =~ m{\.isl\z} and die "the dump has a table that is outside of the data directory: $name\n";
    !$is_ended or die "the dump goes on after its trailer\n";
    put($head . $name);
    $chunks++;
    $last = $name;
    if ($type eq 'P') {
        my $sizes = get(20);
        my ($size) = unpack 'Q<', $sizes;
        put($sizes);
        while ($size > 0) {
            my $part = $size > 1 << 20 ? 1 << 20 : $size;
            put(get($part));
            $size -= $part;
        }
    } elsif ($type eq 'E') {
        $is_ended = 1 if $name eq $trailer;
    } else {
        die "the dump has a chunk of an unknown type\n";
    }
}
$chunks or die "the dump is empty\n";
$is_ended && $last eq $trailer or die "the dump is not whole: its last file is missing\n";
close STDOUT or die "mbstream does not read any more: $!\n";
